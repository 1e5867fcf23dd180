package verify

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
)

// maxBody bounds what the controller reads of an answer, and textBody what
// "body_contains" looks at, in bytes.
const (
	maxBody  = 256 << 20
	textBody = 1 << 20
)

// ask makes the request from this machine.
func (c *httpCheck) ask(ctx context.Context) (httpAnswer, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	if c.insecure {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the user says so, in the argument "insecure"
	}
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(within, http.MethodGet, c.url, nil)
	if err != nil {
		return httpAnswer{}, err
	}
	resp, err := client.Do(req)
	if ctx.Err() != nil {
		return httpAnswer{}, context.Cause(ctx)
	}
	if err != nil {
		return httpAnswer{said: err.Error()}, nil
	}
	defer func() { _ = resp.Body.Close() }()
	a := httpAnswer{status: fmt.Sprint(resp.StatusCode)}
	for name := range resp.Header {
		for _, v := range resp.Header[name] {
			a.header = append(a.header, [2]string{name, v})
		}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case ctx.Err() != nil:
		return httpAnswer{}, context.Cause(ctx)
	case err != nil:
		a.code, a.said = 1, err.Error()
	case len(body) > maxBody:
		return httpAnswer{}, fmt.Errorf("the answer of %s is longer than %d MiB, too long to be looked at from here. Drop from = \"controller\"", c.url, maxBody>>20)
	}
	a.sum = fmt.Sprintf("%x", sha256.Sum256(body))
	a.body = string(body[:min(len(body), textBody)])
	return a, nil
}
