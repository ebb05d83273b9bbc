package checks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
)

// nameResolution checks that the name of the next machine on the way to address has an address: the proxy's, or the server's.
func nameResolution(h Host, address string) Check {
	return Check{
		ID: "name-resolution", Title: "name resolution", Requires: []string{"proxy"},
		Late: "see whether your name server answers: " + lookUp(address) + "; with a VPN, whether it is connected",
		Probe: func(ctx context.Context) Finding {
			next := address
			if proxy, err := h.Proxy(address); err == nil && proxy != "" {
				next = proxy
			}
			where, err := url.Parse(next)
			if err != nil {
				return Finding{Found: err.Error()}
			}
			if err := h.Resolve(ctx, where.Hostname()); err != nil {
				return failed(where.Hostname()+" has no address here", err.Error(),
					"connect to a network (with a VPN, see that it is connected) and try: "+lookUp(next)+offline)
			}
			return ok("%s", where.Hostname())
		},
	}
}

// offline is the way around a network.
const offline = "; or name an image that lies on this machine: --image FILE"

func lookUp(address string) string {
	where, err := url.Parse(address)
	if err != nil {
		return "ping HOST"
	}
	return "ping " + where.Hostname()
}

// imageHost checks that the image can be had: the server is reached, and proves by a certificate that this machine
// trusts who it is.
func imageHost(h Host, address string) Check {
	return Check{
		ID: "image-host", Title: "download of the image", Requires: []string{"name-resolution"},
		Late: "see whether it can be reached: curl -I " + address + offline,
		Probe: func(ctx context.Context) Finding {
			err := h.Head(ctx, address)
			if err == nil {
				return ok("%s", address)
			}
			if untrusted(err) {
				return failed("the image's server is not trusted", err.Error(),
					"where a proxy or security software reads along, add its certificate to this machine's (macOS: Keychain Access; Debian: /usr/local/share/ca-certificates, then sudo update-ca-certificates)"+offline)
			}
			return failed("the image cannot be downloaded", fmt.Sprintf("%s: %v", address, err),
				"see what this says: curl -I "+address+"; behind a proxy: export https_proxy=http://HOST:PORT"+offline)
		},
	}
}

// untrusted says whether err is about the certificate of a server.
func untrusted(err error) bool {
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	var roots x509.SystemRootsError
	var verification *tls.CertificateVerificationError
	return errors.As(err, &authority) || errors.As(err, &invalid) || errors.As(err, &name) || errors.As(err, &roots) || errors.As(err, &verification)
}
