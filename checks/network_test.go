package checks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

func TestToDownload(t *testing.T) {
	const url = "https://images.example/noble.img"
	has := func(paths ...string) Host {
		return but(func(h *Host) {
			h.Stat = func(path string) (fs.FileInfo, error) {
				if slices.Contains(paths, path) {
					return nil, nil
				}
				return nil, fs.ErrNotExist
			}
		})
	}
	for name, test := range map[string]struct {
		host      Host
		images    []string
		addresses []string
		local     string
	}{
		"nothing wanted": {has(), nil, nil, "the VM has its image"},
		"a file":         {has(), []string{"/images/noble.img"}, nil, "the image is a file"},
		"URLs":           {has(), []string{url, url + ".2"}, []string{url, url + ".2"}, ""},
		"in the cache": {has(cached("/cache", url+".2")), []string{url, url + ".2"}, nil,
			"Lima has the image in its cache"},
	} {
		if addresses, local := toDownload(test.host, test.images, "/cache"); !slices.Equal(addresses, test.addresses) ||
			local != test.local {
			t.Errorf("%s: %q, %q", name, addresses, local)
		}
	}
}

// Ubuntu removes dated images after some months. Lima takes the next address then, and so it is not in the way of a VM.
func TestRemovedImage(t *testing.T) {
	const dated, moving = "https://images.example/release-20260615/noble.img", "https://images.example/release/noble.img"
	gone := errors.New("the server answered 404 Not Found")
	for name, test := range map[string]struct {
		answers map[string]error
		outcome Outcome
		words   []string
		size    int64
	}{
		"both there":        {map[string]error{}, OK, []string{dated}, 600},
		"the dated is gone": {map[string]error{dated: gone}, Info, []string{moving + ", since " + dated, "404"}, 600},
		"both gone":         {map[string]error{dated: gone, moving: gone}, Failed, []string{dated + ": ", "404"}, 0},
	} {
		h := but(func(h *Host) {
			h.Head = func(_ context.Context, address string) (int64, error) { return 600, test.answers[address] }
			h.Stat = nowhere
		})
		checks, err := Pick(list(h, Target{Images: []string{dated, moving}}), []string{"image-host"})
		if err != nil {
			t.Fatal(err)
		}
		result := Run(t.Context(), checks, nil)[0]
		if result.Outcome != test.outcome || result.Size != test.size {
			t.Errorf("%s: %+v", name, result)
		}
		judgeWords(t, result, test.words, "")
	}
}

// Who only asks how a VM is does not need the network.
func TestLocalChecks(t *testing.T) {
	asked := func(what string) func(context.Context, string) error {
		return func(context.Context, string) error { t.Errorf("%s were asked", what); return nil }
	}
	h := but(func(h *Host) {
		h.Stat, h.Resolve = nowhere, asked("name servers")
		h.Head = func(ctx context.Context, url string) (int64, error) { return 0, asked("servers")(ctx, url) }
		h.Proxy = func(url string) (string, error) { return "", asked("proxies")(t.Context(), url) }
	})
	all := list(h, Target{Images: []string{"https://images.example/noble.img"}, Starts: true,
		Containers: Containers{Wanted: true}})
	local := Local(all)
	if len(local) == 0 || len(local) == len(all) {
		t.Fatalf("%d of %d checks are local", len(local), len(all))
	}
	for _, check := range local {
		if check.ID != LimactlWorks && check.omitted == "" {
			check.Probe(t.Context())
		}
	}
}

// As a Lima on a Mac logged it: https://github.com/lima-vm/lima/issues/2753.
func TestCached(t *testing.T) {
	const url = "https://cloud-images.ubuntu.com/releases/24.04/release-20240821/ubuntu-24.04-server-cloudimg-arm64.img"
	const want = "/Users/foobar/Library/Caches/lima/download/by-url-sha256/" +
		"346ee1ff9e381b78ba08e2a29445960b5cd31c51f896fc346b82e26e345a5b9a/data"
	if got := cached("/Users/foobar/Library/Caches/lima", url); got != want {
		t.Error(got)
	}
}

// A proxy that Go's programs would silently go without is an error, and the error does not show its password.
func TestProxyAddress(t *testing.T) {
	for value, right := range map[string]bool{
		"http://proxy:3128": true, "proxy:3128": true, "proxy": true, "socks5://10.0.0.1:1080": true,
		"http://u:secret@proxy": true, "u:secret@proxy:3128": true, "http://CORP%5Cu:secret@proxy": true,
		"http://u:secret@%zz:1": false, "://": false, `http://CORP\u:secret@proxy:8080`: false,
		`CORP\u:secret@proxy:8080`: false, "http://u:x/secret@proxy": false, "http://u:1/secret@proxy": false,
		"http://u:x:secret#y@proxy": false, "http://u:x@secret#y@proxy": false, "http://u:x?secret@proxy": false,
		"u:x@secret/y@proxy": false, "http://u:se cret@proxy": false, "http://:secret": false,
	} {
		t.Setenv("HTTPS_PROXY", value)
		if _, err := proxyFor("https://images.example/x"); (err == nil) != right || err != nil &&
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// The address of an image may hold a password as well, and one that was not escaped.
func TestImageAddressWithPassword(t *testing.T) {
	h := but(func(h *Host) {
		h.Head = func(_ context.Context, address string) (int64, error) {
			return 0, errors.New("lookup of " + hostOf(address))
		}
		h.Resolve = func(_ context.Context, name string) error { return errors.New("no such host: " + name) }
		h.Stat, h.Proxy = nowhere, proxyFor
	})
	t.Setenv("HTTPS_PROXY", "")
	for _, address := range []string{
		"https://ada:secret@host/i.img", "https://ada:x/secret@host/i.img", "https://ada:1/secret@host/i.img",
		"https://ada:x@secret#y@host/i.img", `https://CORP\ada:secret@host/i.img`, "https://ada:x:secret@host/i.img",
	} {
		var text strings.Builder
		for _, check := range list(h, Target{Images: []string{address}, Starts: true}) {
			if slices.Contains([]string{"proxy", "name-resolution", "image-host"}, check.ID) {
				result := check.Probe(t.Context())
				fmt.Fprintf(&text, "%s %s\n%s\n%s\n", check.ID, result.Found, result.Why, result.Next)
			}
		}
		if shown := plaintext.Redact(text.String()); strings.Contains(shown, "secret") {
			t.Errorf("%s: %s", address, shown)
		}
	}
}

// Lima's cache may have its own archive for containers, of whichever version.
func TestCachedContainers(t *testing.T) {
	cache := t.TempDir()
	dir := filepath.Join(cache, "download", "by-url-sha256", "0123")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h := Host{Read: os.ReadFile, Stat: os.Stat, Head: headEnds(errors.New("offline"))}
	probe := h.containers(Containers{Wanted: true}, cache)
	for _, step := range []struct {
		file string
		want Outcome
	}{{"url", Failed}, {"data", OK}} {
		text := "https://github.com/containerd/nerdctl/releases/download/v2/nerdctl-full.tar.gz"
		if err := os.WriteFile(filepath.Join(dir, step.file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if result := probe(t.Context()); result.Outcome != step.want {
			t.Errorf("with %s: %+v", step.file, result)
		}
	}
}
