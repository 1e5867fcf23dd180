package verify

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ferry-ops/ferry/engine/host"
	"github.com/ferry-ops/ferry/engine/module"
	"github.com/ferry-ops/ferry/engine/schema"
)

// HTTP checks what an address answers.
func HTTP() module.Info {
	return module.Info{
		Name:    "http",
		Summary: "Checks what a web server answers the host, or the controller: status, headers, content.",
		Doc: `The request is a GET from the host itself, made with curl or, without it, wget; nothing
is written there. With from = "controller" ferry asks itself, which also proves that the
way to the host is open. A redirect is the answer unless "follow" is set.

No answer at all is a finding. While a service starts, use "retry".`,
		Example: `check "http" "site" {
  url           = "http://127.0.0.1/health"
  body_contains = "ok"
  header        = { "Content-Type" = "text/plain" }
}
`,
		NewCheck: func() module.Check {
			return &httpCheck{from: "host", status: []string{"200"}, maxTime: 10 * time.Second}
		},
	}
}

type httpCheck struct {
	url, from, sha256     string
	status                []string
	contains, notContains []string
	header, requestHeader map[string]string
	maxTime               time.Duration
	follow, insecure      bool
}

var (
	_ module.Check     = (*httpCheck)(nil)
	_ module.Validator = (*httpCheck)(nil)
)

var (
	sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)
	httpStatus = regexp.MustCompile(`^[1-5]([0-9][0-9]|xx)$`)
	headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
)

func (c *httpCheck) Schema(b *schema.Block) {
	b.String(&c.url, "url", "What to get: http:// or https://.", schema.Required)
	b.String(&c.from, "from", "Who asks.", schema.OneOf("host", "controller"))
	b.Strings(&c.status, "status", "Status codes with which the check passes: 200, or \"2xx\".", schema.NonEmpty, schema.Match(httpStatus, "a status code such as 200 or 2xx"))
	b.Strings(&c.contains, "body_contains", "Texts, each of which must be in the body.")
	b.Strings(&c.notContains, "body_not_contains", "Texts, none of which may be in the body.")
	b.String(&c.sha256, "body_sha256", "SHA-256 sum the body must have, in lower-case hexadecimal digits.", schema.Match(sha256Form, "64 hexadecimal digits in lower case"))
	b.StringMap(&c.header, "header", "Headers the answer must have, each with a text that must be in its value.")
	b.StringMap(&c.requestHeader, "request_header", "Headers to send, for example Host. They can be read in the host's list of processes.")
	b.Duration(&c.maxTime, "max_time", "How long the answer may take.")
	b.Bool(&c.follow, "follow", "Follow redirects; the answer is the last one.")
	b.Bool(&c.insecure, "insecure", "Accept any certificate.")
}

func (c *httpCheck) Validate() error {
	u, err := url.Parse(c.url)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.ContainsAny(c.url, " \t\r\n") {
		return fmt.Errorf("%q is not a URL such as http://127.0.0.1/health.", c.url)
	}
	for name, v := range c.requestHeader {
		if !headerName.MatchString(name) || strings.ContainsAny(v, "\r\n") {
			return fmt.Errorf("%q is not a header that can be sent: its name or its value has characters that no header can.", name)
		}
	}
	if c.maxTime < time.Second {
		return errors.New("The argument \"max_time\" must be at least 1s.")
	}
	return nil
}

// answer is what came back, or why nothing did.
type answer struct {
	status int
	header http.Header
	body   []byte
	failed string // why there is no answer
}

func (c *httpCheck) Check(ctx context.Context, r host.Reader) ([]module.Finding, error) {
	ask := c.askFromHost
	if c.from == "controller" {
		ask = c.askFromController
	}
	a, err := ask(ctx, r)
	if err != nil {
		return nil, err
	}
	return c.judge(a), nil
}

func (c *httpCheck) judge(a answer) []module.Finding {
	if a.failed != "" {
		return []module.Finding{{Summary: c.url + " does not answer", Detail: "The " + c.from + " asked, and: " + a.failed, Cure: "See whether the service runs and listens there, and what its log says."}}
	}
	var out []module.Finding
	add := func(format string, args ...any) {
		f := module.Finding{Summary: fmt.Sprintf(format, args...)}
		if start := strings.TrimSpace(host.Shorten(a.body, 300)); start != "" && len(out) == 0 {
			f.Detail = "The body begins with:\n    " + strings.ReplaceAll(start, "\n", "\n    ")
		}
		out = append(out, f)
	}
	if !slices.ContainsFunc(c.status, func(s string) bool { return statusFits(s, a.status) }) {
		add("answers with status %d, not %s", a.status, strings.Join(c.status, " or "))
		if to := a.header.Get("Location"); to != "" {
			out[len(out)-1].Detail = "It sends to " + host.Shorten(to, 200) + "."
		}
	}
	for _, name := range sortedKeys(c.header) {
		switch have := a.header.Values(name); {
		case len(have) == 0:
			add("answers without the header %s", name)
		case !slices.ContainsFunc(have, func(v string) bool { return strings.Contains(v, c.header[name]) }):
			add("answers with the header %s: %s, which does not contain %q", name, host.Shorten(strings.Join(have, ", "), 200), c.header[name])
		}
	}
	for _, s := range c.contains {
		if !strings.Contains(string(a.body), s) {
			add("answers without %q", host.Shorten(s, 80))
			out[len(out)-1].Detail = "Its body is:\n    " + strings.ReplaceAll(host.Shorten(strings.ToValidUTF8(string(a.body), "?"), 500), "\n", "\n    ")
		}
	}
	for _, s := range c.notContains {
		if strings.Contains(string(a.body), s) {
			add("answers with %q", host.Shorten(s, 80))
		}
	}
	if have := fmt.Sprintf("%x", sha256.Sum256(a.body)); c.sha256 != "" && have != c.sha256 {
		add("does not answer with the body it should")
		out[len(out)-1].Detail = fmt.Sprintf("The body has %d bytes and the SHA-256 %s, not %s.", len(a.body), have, c.sha256)
	}
	return out
}

// statusFits reports whether a status is "200" or one of "2xx".
func statusFits(want string, have int) bool {
	s := fmt.Sprint(have)
	return s == want || len(s) == 3 && strings.HasSuffix(want, "xx") && s[0] == want[0]
}

// askScript asks with what the host has and says first which that is. $1
// address, $2 seconds, $3 follow, $4 verify
// the certificate; then headers.
const askScript = `LC_ALL=C; export LC_ALL
url=$1 wait=$2 follow=$3 verify=$4; shift 4
if command -v curl >/dev/null 2>&1; then
  echo curl
  n=$#; while [ $n -gt 0 ]; do h=$1; shift; set -- "$@" -H "$h"; n=$((n-1)); done
  [ "$follow" = no ] || set -- -L "$@"
  [ "$verify" = yes ] || set -- -k "$@"
  exec curl -q -sS -g -i --max-time "$wait" "$@" -- "$url"
elif command -v wget >/dev/null 2>&1; then
  echo wget
  n=$#; while [ $n -gt 0 ]; do h=$1; shift; set -- "$@" "--header=$h"; n=$((n-1)); done
  [ "$follow" = yes ] || set -- --max-redirect=0 "$@"
  [ "$verify" = yes ] || set -- --no-check-certificate "$@"
  exec wget -nv -S -O - -t 1 --content-on-error "--timeout=$wait" "$@" -- "$url"
fi
echo none`

func (c *httpCheck) askFromHost(ctx context.Context, r host.Reader) (answer, error) {
	yes := func(b bool) string { return map[bool]string{true: "yes", false: "no"}[b] }
	argv := []string{"/bin/sh", "-c", askScript, "sh", c.url, fmt.Sprint(max(1, int(c.maxTime.Seconds()))), yes(c.follow), yes(!c.insecure)}
	for _, name := range sortedKeys(c.requestHeader) {
		argv = append(argv, name+": "+c.requestHeader[name])
	}
	res, err := r.Query(ctx, argv...)
	if err != nil {
		return answer{}, err
	}
	tool, rest, _ := strings.Cut(string(res.Stdout), "\n")
	said := strings.TrimSpace(string(res.Stderr))
	switch {
	case res.Truncated:
		return answer{}, fmt.Errorf("the answer of %s is too long to be looked at on the host. Ask for something shorter, or use from = \"controller\"", c.url)
	case tool == "none":
		return answer{}, fmt.Errorf("the host has neither curl nor wget to ask for %s. Install one, or use from = \"controller\"", c.url)
	case tool == "curl" && res.Code == 0:
		return parseAnswer(rest, c.follow)
	case tool == "curl" && res.Code != 2 && res.Code < 126:
		return answer{failed: said}, nil
	case tool == "wget" && strings.Contains(said, "HTTP/"):
		a, err := parseAnswer(wgetHeaders(said)+"\r\n", c.follow)
		a.body = []byte(rest)
		return a, err
	case tool == "wget" && res.Code == 4 || tool == "wget" && res.Code == 5:
		return answer{failed: said}, nil
	}
	return answer{}, &host.CommandError{Argv: []string{tool, c.url}, Result: res}
}

// wgetHeaders picks the headers of the last answer from what wget -S prints,
// which are indented by two blanks.
func wgetHeaders(said string) string {
	var b strings.Builder
	for line := range strings.Lines(said) {
		h, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "  ")
		if !ok && !strings.HasPrefix(line, "HTTP/") { // trimming took the first line's blanks
			continue
		}
		if h = strings.TrimSpace(h); strings.HasPrefix(h, "HTTP/") {
			b.Reset()
		}
		b.WriteString(h + "\r\n")
	}
	return b.String()
}

// parseAnswer reads headers and body as curl -i prints them. Before them may be
// the answers that only led there: 100 Continue, a proxy's, redirections.
func parseAnswer(text string, followed bool) (answer, error) {
	for {
		head, body, ok := strings.Cut(text, "\r\n\r\n")
		if !ok {
			head, body, ok = strings.Cut(text, "\n\n")
		}
		first, fields, _ := strings.Cut(head, "\n")
		f := strings.Fields(first)
		var a answer
		if !ok || len(f) < 2 || !strings.HasPrefix(f[0], "HTTP/") {
			return a, fmt.Errorf("the answer begins with %q, which is not HTTP", host.Shorten(text, 60))
		}
		if _, err := fmt.Sscanf(f[1], "%3d", &a.status); err != nil || len(f[1]) != 3 {
			return a, fmt.Errorf("the answer begins with %q, which is not HTTP", host.Shorten(first, 60))
		}
		a.header, a.body = http.Header{}, []byte(body)
		for line := range strings.Lines(fields) {
			if k, v, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
				k = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(k))
				a.header[k] = append(a.header[k], strings.TrimSpace(v))
			}
		}
		more := strings.HasPrefix(body, "HTTP/") && (a.status < 200 || strings.Contains(strings.ToLower(first), "connection established") ||
			followed && a.status >= 300 && a.status < 400 && a.header.Get("Location") != "")
		if !more {
			return a, nil
		}
		text = body
	}
}
