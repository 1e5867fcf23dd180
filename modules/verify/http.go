package verify

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// HTTP checks what a web server answers.
func HTTP() module.Info {
	return module.Info{
		Name:    "http",
		Summary: "Checks what a web server answers the host: status, headers, content.",
		Doc: `The request is a GET from the host itself, made with curl or, without it, wget. No
redirect is followed: it is the answer. "body_contains" looks at the first MiB of the
body, "body_sha256" at all of it.

With from = "controller" ferry asks, which also proves that the way to the host is open.`,
		Example: `check "http" "site" {
  url           = "http://127.0.0.1/health"
  body_contains = "ok"
  header        = { "Content-Type" = "text/plain" }
}
`,
		NewCheck: func() module.Check {
			return &httpCheck{from: "host", status: []string{"200"}, timeout: 10 * time.Second}
		},
	}
}

type httpCheck struct {
	url                  string
	status               []string
	contains, bodySHA256 string
	header               map[string]string
	timeout              time.Duration
	insecure             bool
	from                 string
}

var (
	_ module.Check     = (*httpCheck)(nil)
	_ module.Validator = (*httpCheck)(nil)
)

var (
	sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)
	httpStatus = regexp.MustCompile(`^[1-5][0-9][0-9]$`)
)

func (c *httpCheck) Schema(b *schema.Block) {
	b.String(&c.url, "url", "What to get: http:// or https://.", schema.Required)
	b.Strings(&c.status, "status", "Status codes with which the check passes.", schema.NonEmpty, schema.Match(httpStatus, "a status code such as 200"))
	b.String(&c.contains, "body_contains", "Text that must be in the body.")
	b.String(&c.bodySHA256, "body_sha256", "SHA-256 sum the body must have, in lower-case hexadecimal digits.", schema.Match(sha256Form, "64 hexadecimal digits in lower case"))
	b.StringMap(&c.header, "header", "Headers the answer must have, each with a text that must be in its value.")
	b.Duration(&c.timeout, "max_time", "How long the answer may take.")
	b.String(&c.from, "from", "Who asks.", schema.OneOf("host", "controller"))
	b.Bool(&c.insecure, "insecure", "Accept any certificate.")
}

func (c *httpCheck) Validate() error {
	u, err := url.Parse(c.url)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.ContainsAny(c.url, " \n\r\t") {
		return fmt.Errorf("%q is not a URL such as http://127.0.0.1/health.", c.url)
	}
	if c.timeout < time.Second {
		return errors.New("The argument \"max_time\" must be at least 1s.")
	}
	return nil
}

// httpScript gets $1 within $2 seconds; $3 is "k" to accept any certificate. It
// prints the exit code, the SHA-256 sum of the body, headers and body.
const httpScript = `d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
: >"$d/body"; : >"$d/head"; : >"$d/err"; c=0
if command -v curl >/dev/null 2>&1; then
  curl -sSg ${3:+-k} --max-time "$2" -D "$d/head" -o "$d/body" -- "$1" 2>"$d/err" || c=$?
elif command -v wget >/dev/null 2>&1; then
  timeout "$2" wget -S --tries=1 --max-redirect=0 --content-on-error ${3:+--no-check-certificate} -O "$d/body" -- "$1" 2>"$d/err" || c=$?
  sed -n 's/^  //p' "$d/err" >"$d/head"
else echo "the host has neither curl nor wget" >&2; exit 1; fi
echo "$c"; sha256sum <"$d/body" || exit 1
tail -n 3 "$d/err" | tr '\n' ' '; echo
cat "$d/head"; echo; echo @body; head -c 1048576 "$d/body"`

// httpAnswer is what a server answered.
type httpAnswer struct {
	code   int    // of the program
	said   string // by the program
	status string // empty if there was no answer
	header [][2]string
	sum    string
	body   string
}

func (c *httpCheck) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	if c.from == "controller" {
		a, err := c.ask(ctx)
		if err != nil {
			return nil, err
		}
		return c.judge(a), nil
	}
	k := ""
	if c.insecure {
		k = "k"
	}
	seconds := (c.timeout + time.Second - 1) / time.Second
	argv := []string{"/bin/sh", "-c", httpScript, "sh", c.url, fmt.Sprint(int(seconds)), k}
	res, err := r.Query(ctx, argv...)
	if err != nil {
		return nil, err
	}
	if res.Code != 0 {
		return nil, fmt.Errorf("%s cannot be fetched from the host: %s", c.url, (&host.CommandError{Argv: argv[:2], Result: res}).Output())
	}
	a, err := parseHTTP(string(res.Stdout))
	if err != nil {
		return nil, err
	}
	return c.judge(a), nil
}

// judge compares an answer with the arguments.
func (c *httpCheck) judge(a httpAnswer) []module.Finding {
	if a.status == "" {
		f := module.Finding{Summary: c.url + " gives no answer", Cure: "See whether its service runs, and listens there:\n    ss -lntp"}
		if a.said != "" {
			f.Detail = "The " + c.from + " says: " + a.said
		}
		return []module.Finding{f}
	}
	var out []module.Finding
	add := func(format string, args ...any) {
		f := module.Finding{Summary: fmt.Sprintf(format, args...)}
		if start := strings.TrimSpace(host.Shorten(a.body, 300)); start != "" && len(out) == 0 {
			f.Detail = "The body begins with:\n    " + strings.ReplaceAll(start, "\n", "\n    ")
		}
		out = append(out, f)
	}
	if !slices.Contains(c.status, a.status) {
		add("%s answers with status %s, not %s", c.url, a.status, strings.Join(c.status, " or "))
	}
	for _, k := range sortedKeys(c.header) {
		var values []string
		for _, h := range a.header {
			if strings.EqualFold(h[0], k) {
				values = append(values, h[1])
			}
		}
		switch {
		case len(values) == 0:
			add("the answer of %s has no header %s", c.url, k)
		case !slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, c.header[k]) }):
			add("the header %s of %s is %q, which does not contain %q", k, c.url, strings.Join(values, ", "), c.header[k])
		}
	}
	if c.contains != "" && !strings.Contains(a.body, c.contains) {
		add("the body of %s does not contain %q", c.url, c.contains)
	}
	if c.bodySHA256 != "" && c.bodySHA256 != a.sum {
		add("the body of %s has the SHA-256 sum %s, not %s", c.url, a.sum, c.bodySHA256)
	}
	// wget exits 8 for each status that is none of success.
	if a.code != 0 && a.code != 8 && len(out) == 0 {
		add("the answer of %s ends before its end: %s", c.url, a.said)
	}
	return out
}

// parseHTTP reads the output of httpScript.
func parseHTTP(out string) (httpAnswer, error) {
	head, body, ok := strings.Cut(out, "\n@body\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 3 {
		return httpAnswer{}, fmt.Errorf("the host's answer is not complete; it begins with %q", host.Shorten(out, 100))
	}
	code, err := strconv.Atoi(lines[0])
	sum, _, _ := strings.Cut(lines[1], " ")
	if err != nil || !sha256Form.MatchString(sum) {
		return httpAnswer{}, fmt.Errorf("the host's answer is not understood; it begins with %q", host.Shorten(out, 100))
	}
	a := httpAnswer{code: code, sum: sum, said: strings.TrimSpace(lines[2]), body: body}
	for _, line := range lines[3:] {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "HTTP/") { // after "100 Continue" comes another
			a.header, a.status = nil, ""
			if f := strings.Fields(line); len(f) > 1 && httpStatus.MatchString(f[1]) {
				a.status = f[1]
			}
			continue
		}
		if k, v, ok := strings.Cut(line, ":"); ok {
			a.header = append(a.header, [2]string{k, strings.TrimSpace(v)})
		}
	}
	return a, nil
}
