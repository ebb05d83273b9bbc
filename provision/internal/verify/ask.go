package verify

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Ask makes one GET /v1/capabilities of a layout's agent, over the UNIX socket at path.
func Ask(ctx context.Context, of layout.Layout, path string) (guest.Capabilities, error) {
	status, body, err := Get(ctx, path)
	if err != nil {
		return guest.Capabilities{}, err
	}
	return guest.ParseCapabilities(of, status, body)
}

// Get makes one GET /v1/capabilities over the UNIX socket at path, and returns the HTTP status and the answer.
func Get(ctx context.Context, path string) (status int, body []byte, err error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/v1/capabilities", nil)
	if err != nil {
		return 0, nil, err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(response.Body, 1<<20)); err != nil {
		return 0, nil, fmt.Errorf("its answer was cut off: %w", err)
	}
	return response.StatusCode, body, nil
}
