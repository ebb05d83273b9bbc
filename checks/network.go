package checks

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// toDownload returns the addresses from which a new VM's image would be downloaded, in the order in which Lima tries
// them, or why it need not be. images are the places where it may be: URLs and files. cache is Lima's cache of
// downloads.
func toDownload(h Host, images []string, cache string) (addresses []string, local string) {
	if len(images) == 0 {
		return nil, "the VM has its image"
	}
	for _, image := range images {
		if !isURL(image) {
			return nil, "the image is a file"
		}
		if _, err := h.Stat(cached(cache, image)); err == nil {
			return nil, "Lima has the image in its cache"
		}
	}
	return images, ""
}

// cached returns where Lima keeps what it downloaded from address (its pkg/downloader).
func cached(cache, address string) string {
	sum := sha256.Sum256([]byte(address))
	return filepath.Join(cache, "download", "by-url-sha256", hex.EncodeToString(sum[:]), "data")
}

// Containers describes the archive for containers that Lima downloads for a new VM, unless its profile turns
// containerd off.
type Containers struct {
	Wanted   bool
	Archives []string // as the configuration names them, the best first; empty for Lima's own
	Unsure   bool     // a template that the profile is based on may turn it off
}

// containerdSite is what Lima's own archives are below (its containerd.yaml).
const containerdSite = "https://github.com/containerd"

// containers checks that the archive for containers can be downloaded, or need not be. cache is Lima's.
func (h Host) containers(c Containers, cache string) Probe {
	return func(ctx context.Context) Result {
		for _, archive := range c.Archives {
			if !isURL(archive) {
				return ok("%s", archive)
			}
			if _, err := h.Stat(cached(cache, archive)); err == nil {
				return ok("Lima has it in its cache")
			}
		}
		address := containerdSite
		if len(c.Archives) > 0 {
			address = c.Archives[0]
		} else if h.hasCached(cache, containerdSite) {
			return ok("Lima has one in its cache")
		}
		_, err := h.reach(ctx, address)
		if err == nil {
			return ok("%s", address)
		}
		result := failed("containerd can't be downloaded", fmt.Sprintf("the profile leaves it on, so Lima "+
			"downloads it (some 250 MB), although a world does not need it; %s: %v", address, err),
			"turn it off in the profile: `containerd: {system: false, user: false}`; or read what this prints: curl -I "+
				address)
		if c.Unsure {
			result.Outcome = Warning
			result.Why += "; a template that the profile is based on may have turned it off"
		}
		return result
	}
}

// hasCached reports whether Lima's cache has something from below an address.
func (h Host) hasCached(cache, address string) bool {
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(cached(cache, ""))), "*", "url"))
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := h.Read(file)
		_, dataErr := h.Stat(filepath.Join(filepath.Dir(file), "data"))
		return err == nil && dataErr == nil && strings.HasPrefix(string(text), address+"/")
	})
}

func isURL(place string) bool {
	return strings.HasPrefix(place, "https://") || strings.HasPrefix(place, "http://")
}

// proxy reports which proxy a download from address goes through, and checks that the environment names it correctly.
func (h Host) proxy(address string) Probe {
	return func(context.Context) Result {
		proxy, err := h.Proxy(address)
		switch {
		case err != nil:
			return failed("the proxy's address is invalid", err.Error(),
				"correct it: export https_proxy=http://HOST:PORT ("+escape+"); or do without it: unset https_proxy HTTPS_PROXY")
		case proxy == "":
			return ok("none")
		}
		return info("%s", proxy)
	}
}

// proxyFor returns the proxy that Go's programs, limactl among them, use for a download from address. They use none
// when its address is invalid, and then the network seems to be down.
func proxyFor(address string) (string, error) {
	request, err := http.NewRequest(http.MethodHead, address, nil)
	if err != nil {
		return "", nil // the check of the address itself reports it
	}
	name := request.URL.Scheme + "_proxy"
	for _, name := range []string{strings.ToUpper(name), name} {
		value := os.Getenv(name)
		if value != "" && !strings.Contains(value, "://") {
			value = "http://" + value
		}
		if value != "" && hostOf(value) == "" {
			return "", errors.New(name + " does not hold the address of a proxy") // the value may hold a password
		}
	}
	proxy, err := http.ProxyFromEnvironment(request)
	if err != nil || proxy == nil {
		return "", err
	}
	return plaintext.Redact(proxy.String()), nil
}

// nameResolution checks that the next machine on the way to address can be resolved: the proxy, or the server.
func (h Host) nameResolution(address string) Probe {
	return func(ctx context.Context) Result {
		next := address
		if proxy, err := h.Proxy(address); err == nil && proxy != "" {
			next = proxy
		}
		host := hostOf(next)
		if host == "" {
			return info("none: see the download of the image")
		}
		if err := h.Resolve(ctx, host); err != nil {
			return failed("can't resolve "+host+" (offline?)", err.Error(),
				"connect to a network (with a VPN, check that it is connected) and try: ping "+shellescape.Quote(host)+offline)
		}
		return ok("%s", host)
	}
}

// escape is how a user name and a password are written in an address.
const escape = `in a user name and a password, write \ as %5C, @ as %40, : as %3A, / as %2F, # as %23, ? as %3F`

// reach returns why nothing can be downloaded from address.
func (h Host) reach(ctx context.Context, address string) (size int64, err error) {
	if hostOf(address) == "" {
		return 0, errors.New("the address is invalid; " + escape) // what net/url says shows parts of the password
	}
	return h.Head(ctx, address)
}

// offline is the way to do without a network.
const offline = "; or name an image on this machine: --image FILE"

// hostOf returns the host in the address of a server. It returns none for one whose user name or password was not
// escaped, so that it may be read in another way than it was meant.
func hostOf(address string) string {
	where, err := url.Parse(address)
	meant, redactErr := url.Parse(plaintext.Redact(address))
	if err != nil || redactErr != nil || where.Host != meant.Host {
		return ""
	}
	return where.Hostname()
}

// imageHost checks that the image can be downloaded: a server answers, and this machine trusts its certificate. Lima
// tries one address after another: dated images are removed after some months, and what comes after them is for then.
func (h Host) imageHost(addresses []string) Probe {
	return func(ctx context.Context) Result {
		var first error
		for i, address := range addresses {
			size, err := h.reach(ctx, address)
			if err != nil {
				first = cmp.Or(first, err)
				continue
			}
			result := ok("%s", address)
			if i > 0 {
				result = info("%s, since %s is not available (%v)", address, addresses[0], first)
			}
			result.Size = size
			return result
		}
		if _, untrusted := errors.AsType[*tls.CertificateVerificationError](first); untrusted {
			return failed("the image's server is not trusted", first.Error(),
				"if a proxy or security software inspects TLS, add its certificate to those that this machine trusts (macOS: "+
					"Keychain Access; "+
					"Debian: /usr/local/share/ca-certificates, then sudo update-ca-certificates)"+offline)
		}
		return failed("the image can't be downloaded", fmt.Sprintf("%s: %v", addresses[0], first),
			"read what this prints: curl -I "+shellescape.Quote(addresses[0])+
				"; behind a proxy: export https_proxy=http://HOST:PORT"+offline)
	}
}
