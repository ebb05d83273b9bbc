package checks

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// proxy says which proxy a download from address goes through, and that the environment names it rightly.
func proxy(h Host, address string) Check {
	return Check{
		ID: "proxy", Title: "proxy",
		Probe: func(context.Context) Finding {
			proxy, err := h.Proxy(address)
			switch {
			case err != nil:
				return failed("the proxy's address cannot be read", err.Error(),
					"correct it: export https_proxy=http://HOST:PORT; or do without it: unset https_proxy HTTPS_PROXY")
			case proxy == "":
				return ok("none")
			}
			return Finding{Outcome: Info, Found: proxy}
		},
	}
}

// proxyFor is the proxy that Go's programs take for a download from address, limactl among them. They go without one when
// they cannot read its address, which only shows as a network that is not there.
func proxyFor(address string) (string, error) {
	request, err := http.NewRequest(http.MethodHead, address, nil)
	if err != nil {
		return "", err
	}
	name := request.URL.Scheme + "_proxy"
	for _, name := range []string{strings.ToUpper(name), name} {
		if value := os.Getenv(name); value != "" && !isProxy(value) {
			return "", errors.New(name + " holds no address of a proxy") // which may hold a password
		}
	}
	proxy, err := http.ProxyFromEnvironment(request)
	if err != nil || proxy == nil {
		return "", err
	}
	return proxy.Redacted(), nil
}

// isProxy says whether value, with its scheme or without, is the address of a proxy.
func isProxy(value string) bool {
	for _, text := range []string{value, "http://" + value} {
		if where, err := url.Parse(text); err == nil && where.Hostname() != "" {
			return true
		}
	}
	return false
}
