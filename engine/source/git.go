package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/hashicorp/go-version"
)

// git fetches one commit of a repository into dir and writes its files into a
// tree. It reads objects rather than checking out, so that no filter, hook or
// line ending setting of this machine changes what is pinned.
func (f *Fetcher) git(ctx context.Context, r Request, e *Entry, dir string, t *tree) error {
	g := gitRepo{ctx: ctx, dir: dir, url: r.Address.Place}
	if _, err := exec.LookPath("git"); err != nil {
		return errorf("Source not fetched", "The program git, which fetches %s, is not on this machine. Install it.", r.Address)
	}
	if _, err := g.run("init", "--quiet", "--bare", "--template=", "--", dir); err != nil {
		return err
	}
	commit := e.Commit
	ref := commit
	if commit == "" {
		var err error
		if ref, e.Version, err = g.choose(r); err != nil {
			return err
		}
	}
	commit, err := g.fetch(ref)
	if err != nil {
		return err
	}
	e.Commit = commit
	return g.export(commit, t)
}

type gitRepo struct {
	ctx context.Context //nolint:containedctx // lives as long as one call
	dir string
	url string
}

// command prepares git. Its environment cannot point it at another repository,
// make it ask, or let it use another transport.
func (g gitRepo) command(args ...string) *exec.Cmd {
	base := []string{"-c", "protocol.allow=never", "-c", "protocol.https.allow=always", "-c", "protocol.ssh.allow=always", "-c", "protocol.file.allow=always",
		"-c", "core.hooksPath=/dev/null", "-c", "fetch.fsckObjects=true", "-c", "submodule.recurse=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.fsmonitor=false"}
	if args[0] != "init" {
		base = append(base, "--git-dir="+g.dir)
	}
	c := exec.CommandContext(g.ctx, "git", append(base, args...)...) //nolint:gosec // argv is ours, the URL was parsed and stands behind --
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case strings.HasPrefix(name, "GIT_SSL"), strings.HasPrefix(name, "GIT_CONFIG_"), name == "GIT_SSH", name == "GIT_SSH_COMMAND", name == "GIT_ASKPASS", !strings.HasPrefix(name, "GIT_"):
			c.Env = append(c.Env, kv)
		}
	}
	c.Env = append(c.Env, "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=https:ssh:file", "GIT_LFS_SKIP_SMUDGE=1", "LC_ALL=C")
	if os.Getenv("GIT_SSH_COMMAND") == "" && os.Getenv("GIT_SSH") == "" {
		c.Env = append(c.Env, "GIT_SSH_COMMAND=ssh -oBatchMode=yes")
	}
	c.Cancel = func() error { return c.Process.Kill() }
	return c
}

// maxAnswer bounds what git prints, in bytes.
const maxAnswer = 32 << 20

func (g gitRepo) run(args ...string) ([]byte, error) {
	c := g.command(args...)
	var out limited
	var errs limited
	out.left, errs.left = maxAnswer, 64<<10
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	switch {
	case g.ctx.Err() != nil:
		return nil, g.ctx.Err()
	case err != nil:
		return nil, g.failed(args[0], errs.Bytes(), err)
	case out.left < 0:
		return nil, refused("The repository %s has more than %d MiB of names.", g.url, maxAnswer>>20)
	}
	return out.Bytes(), nil
}

func (g gitRepo) failed(what string, said []byte, err error) error {
	text := strings.TrimSpace(string(said))
	if text == "" {
		text = err.Error()
	}
	if len(text) > 2000 {
		text = text[:2000]
	}
	return &Error{Summary: "Source not fetched", Detail: fmt.Sprintf("The repository %s cannot be read. What git %s said:\n    %s", g.url, what, strings.ReplaceAll(text, "\n", "\n    ")), err: err}
}

// limited keeps the beginning of what is written.
type limited struct {
	bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left >= 0 {
		return l.Buffer.Write(p)
	}
	return len(p), nil
}

// choose finds the full name of what is to be fetched: the ref of the address,
// the highest tag that fits the constraint, or the default branch.
func (g gitRepo) choose(r Request) (ref, ver string, err error) {
	out, err := g.run("ls-remote", "--quiet", "--", g.url)
	if err != nil {
		return "", "", err
	}
	refs := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if _, name, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			refs[name] = true
		}
	}
	switch want := r.Address.Ref; {
	case want != "":
		for _, name := range []string{"refs/tags/" + want, "refs/heads/" + want} {
			if refs[name] {
				return name, "", nil
			}
		}
		if commitID.MatchString(want) {
			return want, "", nil
		}
		return "", "", errorf("Ref not found", "The repository %s has no tag or branch %q. A commit is given with all of its 40 digits.", g.url, want)
	case r.Constraint != "":
		return g.highest(refs, r.Constraint)
	case !refs["HEAD"]:
		return "", "", errorf("Ref not found", "The repository %s is empty, or has no default branch. Name a branch or tag with ?ref=….", g.url)
	}
	return "HEAD", "", nil
}

// highest is the highest tag that fits.
func (g gitRepo) highest(refs map[string]bool, constraint string) (ref, ver string, err error) {
	c, err := version.NewConstraint(constraint)
	if err != nil {
		return "", "", err
	}
	var best *version.Version
	n := 0
	for name := range refs {
		tag, ok := strings.CutPrefix(name, "refs/tags/")
		if !ok || len(tag) > 100 || strings.HasSuffix(tag, "^{}") || !refName.MatchString(tag) {
			continue
		}
		v, err := version.NewSemver(tag)
		if err != nil {
			continue
		}
		n++
		if c.Check(v) && (best == nil || v.GreaterThan(best) || v.Equal(best) && name < ref) {
			best, ref = v, name
		}
	}
	if best == nil {
		return "", "", errorf("No fitting version", "The repository %s has %d tags that are versions, and none fits %q.", g.url, n, constraint)
	}
	return ref, best.String(), nil
}

// fetch gets one ref or commit and returns the commit.
func (g gitRepo) fetch(ref string) (string, error) {
	opts := []string{"fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"}
	_, err := g.run(append(opts, "--depth=1", "--", g.url, "+"+ref+":refs/ferry/want")...)
	if err != nil && commitID.MatchString(ref) && g.ctx.Err() == nil {
		// A server may give out what refs point to and nothing else.
		if _, all := g.run(append(opts, "--", g.url, "+refs/heads/*:refs/ferry/heads/*", "+refs/tags/*:refs/ferry/tags/*")...); all != nil {
			return "", err
		}
		err = nil
	}
	if err != nil {
		return "", err
	}
	name := "refs/ferry/want"
	if commitID.MatchString(ref) {
		name = ref
	}
	out, err := g.run("rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
	if err != nil {
		return "", errorf("Ref not found", "The repository %s has no commit %s.", g.url, ref)
	}
	commit := strings.TrimSpace(string(out))
	if !commitID.MatchString(commit) {
		return "", errorf("Source not fetched", "The program git answers %.80q where a commit was expected.", commit)
	}
	return commit, nil
}

// export writes the files of a commit into a tree.
func (g gitRepo) export(commit string, t *tree) error {
	list, err := g.run("ls-tree", "-r", "-z", "--long", "--full-tree", "--end-of-options", commit)
	if err != nil {
		return err
	}
	objects, err := g.objects()
	if err != nil {
		return err
	}
	err = g.writeAll(list, objects, t)
	if cerr := objects.close(); err == nil {
		err = cerr
	}
	if g.ctx.Err() != nil {
		return g.ctx.Err()
	}
	return err
}

func (g gitRepo) writeAll(list []byte, objects *objectReader, t *tree) error {
	for line := range strings.SplitSeq(string(list), "\x00") {
		if line == "" {
			continue
		}
		head, name, ok := strings.Cut(line, "\t")
		parts := strings.Fields(head) // mode type object size
		if !ok || len(parts) != 4 {
			return errorf("Source not fetched", "The program git gives a list of files that cannot be read: %.80q.", line)
		}
		mode, object := parts[0], parts[2]
		if mode == "160000" {
			return refused("The repository %s holds the submodule %.80q. Submodules are not fetched: use what it holds by a source of its own.", g.url, name)
		}
		r, err := objects.get(object)
		if err != nil {
			return err
		}
		switch mode {
		case "100644", "100755", "100664":
			err = t.file(name, mode == "100755", r)
		case "120000":
			var target []byte
			if target, err = io.ReadAll(io.LimitReader(r, maxPath+1)); err == nil {
				err = t.link(name, string(target))
			}
		default:
			err = refused("The repository %s holds %.80q with the mode %s, which is neither a file nor a symbolic link.", g.url, name, mode)
		}
		if err != nil {
			return err
		}
		if err := objects.next(); err != nil {
			return err
		}
	}
	return nil
}

// objectReader asks git cat-file --batch for one object after the other.
type objectReader struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	cur *io.LimitedReader
}

func (g gitRepo) objects() (*objectReader, error) {
	c := g.command("cat-file", "--batch")
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	return &objectReader{cmd: c, in: in, out: bufio.NewReader(out)}, nil
}

func (o *objectReader) get(object string) (io.Reader, error) {
	if !commitID.MatchString(object) {
		return nil, errorf("Source not fetched", "The program git names an object %.80q.", object)
	}
	if _, err := io.WriteString(o.in, object+"\n"); err != nil {
		return nil, err
	}
	line, err := o.out.ReadString('\n')
	if err != nil {
		return nil, err
	}
	parts := strings.Fields(line) // object type size
	if len(parts) != 3 || parts[1] != "blob" {
		return nil, errorf("Source not fetched", "The program git has no object %s.", object)
	}
	size, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || size < 0 {
		return nil, errorf("Source not fetched", "The program git gives the size %q.", parts[2])
	}
	o.cur = &io.LimitedReader{R: o.out, N: size}
	return o.cur, nil
}

// next skips what was not read of an object.
func (o *objectReader) next() error {
	if _, err := io.Copy(io.Discard, o.cur); err != nil {
		return err
	}
	_, err := o.out.ReadByte() // the line break behind the content
	return err
}

func (o *objectReader) close() error {
	_ = o.in.Close()
	_ = o.cmd.Process.Kill() // it may be in the middle of an object nobody wants
	var exit *exec.ExitError
	if err := o.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}
