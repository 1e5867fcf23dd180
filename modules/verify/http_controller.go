package verify

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"

	"github.com/ferry-ops/ferry/engine/host"
)

// maxBody bounds what the controller reads of an answer, in bytes.
const maxBody = 64 << 20

// askFromController asks from this machine.
func (c *httpCheck) askFromController(ctx context.Context, _ host.Reader) (answer, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	if c.insecure {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the user says so, in the argument insecure
	}
	client := http.Client{Transport: transport}
	if !c.follow {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	within, cancel := context.WithTimeout(ctx, c.maxTime)
	defer cancel()
	req, err := http.NewRequestWithContext(within, http.MethodGet, c.url, nil)
	if err != nil {
		return answer{}, err
	}
	for name, v := range c.requestHeader {
		req.Header.Set(name, v)
		if http.CanonicalHeaderKey(name) == "Host" {
			req.Host = v
		}
	}
	resp, err := client.Do(req)
	if ctx.Err() != nil {
		return answer{}, context.Cause(ctx)
	}
	if err != nil {
		return answer{failed: err.Error()}, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case ctx.Err() != nil:
		return answer{}, context.Cause(ctx)
	case err != nil:
		return answer{failed: "the answer broke off: " + err.Error()}, nil
	case len(body) > maxBody:
		return answer{}, fmt.Errorf("the answer of %s is longer than %d MiB, too long to be looked at", c.url, maxBody>>20)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: body}, nil
}
