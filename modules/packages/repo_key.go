package packages

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"

	"github.com/ferry-ops/ferry/modules/internal/rpm"
)

// RepoKey makes rpm trust a signing key.
func RepoKey() module.Info {
	return module.Info{
		Name:    "repo_key",
		Summary: "Makes rpm trust the key packages are signed with.",
		Doc: `The key comes from a file on the controller ("src"), a file on the host ("path") or
an address the host can reach ("url"). Give the fingerprint you know from a source
other than the key's: a key with another fingerprint is refused and not imported.

With "fingerprint" and an imported key, nothing is fetched.`,
		Example: `task "repo_key" "openeuler" {
  url         = "https://repo.openeuler.org/openEuler-22.03-LTS-SP4/OS/${facts.arch}/RPM-GPG-KEY-openEuler"
  fingerprint = "8AA16BF9F2CA5244010D7152E1F5A4B8C1D3A6E7"
}
`,
		New: func() module.Step { return &repoKey{state: "present"} },
	}
}

type repoKey struct {
	src, path, url, fingerprint, state string
}

var (
	_ module.Step      = (*repoKey)(nil)
	_ module.Validator = (*repoKey)(nil)
)

var fingerprintForm = regexp.MustCompile(`^[0-9A-Fa-f]{40}([0-9A-Fa-f]{24})?$`)

func (s *repoKey) Schema(b *schema.Block) {
	b.File(&s.src, "src", "The key, a file on the controller.")
	b.String(&s.path, "path", "The key, a file on the host.", schema.AbsPath)
	b.String(&s.url, "url", "The key, at an address the host can reach.")
	b.String(&s.fingerprint, "fingerprint", "Fingerprint of the key, without spaces.", schema.Match(fingerprintForm, "a fingerprint of 40 hexadecimal digits"))
	b.String(&s.state, "state", "Whether rpm trusts the key.", schema.OneOf("present", "absent"))
}

func (s *repoKey) Validate() error {
	n := 0
	for _, v := range []string{s.src, s.path, s.url} {
		if v != "" {
			n++
		}
	}
	switch {
	case s.state == "absent" && s.fingerprint == "":
		return errors.New("To remove a key its \"fingerprint\" is needed.")
	case s.state == "present" && n != 1:
		return errors.New("Exactly one of the arguments \"src\", \"path\" and \"url\" says where the key comes from.")
	}
	return nil
}

// rpmName is the package rpm keeps a key as.
func rpmName(fingerprint string) string {
	return "gpg-pubkey-" + strings.ToLower(fingerprint[len(fingerprint)-8:])
}

// wanted returns the fingerprints the key has; the material is read only if the
// fingerprint is not given.
func (s *repoKey) wanted(ctx context.Context, r host.Reader) ([]string, error) {
	if s.fingerprint != "" {
		return []string{strings.ToUpper(s.fingerprint)}, nil
	}
	data, err := s.material(ctx, r)
	if err != nil {
		return nil, err
	}
	return fingerprints(data)
}

func (s *repoKey) missing(ctx context.Context, r host.Reader) ([]string, error) {
	want, err := s.wanted(ctx, r)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range want {
		argv := []string{"rpm", "-q", rpmName(f)}
		res, err := rpm.Query(ctx, r, argv...)
		if err != nil {
			return nil, err
		}
		if res.Code != 0 && !strings.Contains(string(res.Stdout), "is not installed") {
			return nil, &host.CommandError{Argv: argv, Result: res}
		}
		if (res.Code == 0) == (s.state == "absent") {
			out = append(out, f)
		}
	}
	return out, nil
}

func (s *repoKey) Probe(ctx context.Context, r host.Reader) (module.Plan, error) {
	keys, err := s.missing(ctx, r)
	var plan module.Plan
	for _, f := range keys {
		c := module.Change{Argument: "key " + f, From: "unknown to rpm", To: "trusted"}
		if s.state == "absent" {
			c.From, c.To = "trusted", "removed"
		}
		plan = append(plan, c)
	}
	return plan, err
}

func (s *repoKey) Apply(ctx context.Context, h host.Host, _ module.Plan) error {
	if s.state == "absent" {
		argv := []string{"rpm", "-e", "--allmatches", rpmName(s.fingerprint)}
		res, err := h.Exec(ctx, host.Command{Argv: argv})
		_, err = host.Must(argv, res, err)
		return err
	}
	data, err := s.material(ctx, h)
	if err != nil {
		return err
	}
	have, err := fingerprints(data)
	if err != nil {
		return err
	}
	if s.fingerprint != "" && (len(have) != 1 || !strings.EqualFold(have[0], s.fingerprint)) {
		return fmt.Errorf("the key has the fingerprint %s, and the playbook expects %s; it was not imported. Find out who changed the key before going on", strings.Join(have, ", "), strings.ToUpper(s.fingerprint))
	}
	// The very bytes that were checked are imported, not what an address gives
	// at a second look.
	text := `t=$(mktemp) && cat >"$t" && rpm --import "$t"; r=$?; rm -f "$t"; exit $r`
	argv := []string{"/bin/sh", "-c", text}
	res, err := h.Exec(ctx, host.Command{Argv: argv, Stdin: data})
	_, err = host.Must([]string{"rpm", "--import"}, res, err)
	return err
}

// material reads the key from where the arguments say.
func (s *repoKey) material(ctx context.Context, r host.Reader) ([]byte, error) {
	switch {
	case s.src != "":
		return os.ReadFile(s.src)
	case s.path != "":
		return r.ReadFile(ctx, s.path)
	}
	argv := []string{"/bin/sh", "-c", `if command -v curl >/dev/null; then exec curl -fsSL --max-time 60 -- "$1"; else exec wget -qO- -T 60 -- "$1"; fi`, "sh", s.url}
	res, err := r.Query(ctx, argv...)
	if err != nil {
		return nil, err
	}
	if res.Code != 0 {
		return nil, fmt.Errorf("the host cannot fetch the key from %s: %s", s.url, strings.TrimSpace(string(res.Stderr)))
	}
	return res.Stdout, nil
}

// fingerprints returns those of the keys in armoured or binary OpenPGP data.
func fingerprints(data []byte) ([]string, error) {
	keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(data))
	if err != nil {
		if bin, berr := openpgp.ReadKeyRing(bytes.NewReader(data)); berr == nil {
			keys, err = bin, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("what is given as a signing key is not an OpenPGP public key: %w", err)
	}
	var out []string
	for _, k := range keys {
		out = append(out, strings.ToUpper(hex.EncodeToString(k.PrimaryKey.Fingerprint)))
	}
	return out, nil
}
