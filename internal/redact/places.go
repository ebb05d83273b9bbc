package redact

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
)

var (
	uuids = lazyregexp.New(`\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b`)
	hexes = lazyregexp.New(`\b(?:0x)?[0-9a-fA-F]{32,}\b`)
	// public is what says that a number in hexadecimal is the digest or the version of something public.
	public = lazyregexp.New(`(?i)(?:sha256|sha512|digest|checksum|commit|revision|` +
		`vcs\.\w+)[\w"'\\]{0,4}[\s:=/@-]{0,3}["']?$`)
	macs = lazyregexp.New(`\b[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5}(?:[:-][0-9a-fA-F]{2}){0,2}\b|` +
		`\b[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\b`)
	ipv4 = lazyregexp.New(`\d{1,3}(?:\.\d{1,3}){3}`)
	ipv6 = lazyregexp.New(`[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,8}(?:%[\w.-]+)?`)
)

// replaceFound replaces each match by what by returns for it; before is the text before it, and after that after it.
func replaceFound(text string, pattern *lazyregexp.Regexp, by func(found, before, after string) string) string {
	var result strings.Builder
	last := 0
	for _, at := range pattern.FindAllStringIndex(text, -1) {
		result.WriteString(text[last:at[0]])
		result.WriteString(by(text[at[0]:at[1]], text[max(0, at[0]-24):at[0]], text[at[1]:]))
		last = at[1]
	}
	result.WriteString(text[last:])
	return result.String()
}

// ids replaces numbers that a machine or a disk has to itself, and secrets in hexadecimal.
func (r *Redactor) ids(text string) string {
	if !hasRun(text, 32, "-") {
		return text
	}
	text = uuids.ReplaceAllStringFunc(text, func(found string) string { return r.numbered("id", found) })
	return replaceFound(text, hexes, func(found, before, _ string) string {
		if len(found) >= 40 && public.MatchString(before) || strings.Trim(found, "0") == "" {
			return found
		}
		return r.numbered("hex", found)
	})
}

var (
	accounts = lazyregexp.New(`[\w.+%-]+@[A-Za-z0-9][\w-]*(?:\.[\w-]+)*`)
	// noAccounts are words with an @ that name a file, a unit or a version.
	noAccounts = lazyregexp.New(`(?i)@(?:sha\d+|v?\d[\w.+-]*|latest|.*\.(?:service|socket|timer|target|mount|slice|` +
		`device|scope|img|png|svg|qcow2))$|^git@github\.com$`)
	homePaths = lazyregexp.New(`((?:/home|/Users|/var/home|/export/home|\\Users)[/\\]+)([^/\\\s:"'<>|,;)\]}]+)`)
	domains   = lazyregexp.New(`(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})\.)+[A-Za-z]{2,24}\.?`)
	urlHosts  = lazyregexp.New(`(://(?:[^/\s@"'<>]*@)?)([^/\s:\[\]@"'<>*?#\\,;)]+)`)
)

// contexts match in their last group the name of a user or of a host, by what is before it.
var contexts = []struct {
	kind string
	rule
}{
	{"host", rule{stems("name host server fqdn node domain search"),
		lazyregexp.New(`(?i)\b(?:host[ _-]?name|nodename|host|server|fqdn|computer[ _-]?name|local[ _-]?host[ _-]?name|` +
			`node|domain|search)["']?\s*[=:]\s*["']?([A-Za-z0-9][\w.-]*)`)}},
	{"host", rule{stems("hostname"), lazyregexp.New(`(?i)hostname (?:set )?to <?["']?([\w.-]+)`)}},
	{"host", rule{stems("host proxyjump search domain nameserver"),
		lazyregexp.New(`(?im)^\s*(?:host|hostname|proxyjump|search|domain|nameserver)[ \t]+([\w.@-]+)`)}},
	{"host", rule{stems("login:"), lazyregexp.New(`(?m)(?:^|\s)([\w.-]+) login: ?$`)}},
	{"host", rule{stems(": :0 :1 :2 :3 :4 :5"), lazyregexp.New(`(?m)\b[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ([\w.-]+) `)}},
	{"host", rule{stems("t - "), lazyregexp.New(`(?m)^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S* ([\w.-]+) ` +
		`[\w./@-]+(?:\[\d+\])?:`)}},
	{"host", rule{stems("."), lazyregexp.New(`(?m)^\s*[\d.]{7,15}[ \t]+([A-Za-z][\w.-]*(?:[ \t]+[\w.-]+)*)[ \t]*$`)}},
	{"host", rule{stems("resolve lookup connect resolution dial"),
		lazyregexp.New(`(?i)\b(?:resolve|lookup|connect to host|name resolution for|dial tcp)[ :]+["']?([A-Za-z][\w.-]*)`)}},
	{"host", rule{stems("ip-"), lazyregexp.New(`(?i)\b(ip(?:-\d{1,3}){4}[\w.-]*)`)}},
	{"user", rule{stems("user name login account owner gecos author"),
		lazyregexp.New(`(?i)\b(?:user|user[ _-]?name|login|account|logname|owner|real[ _-]?name|gecos|author|` +
			`sudo_user)["']?\s*[=:]\s*["']?([A-Za-z_][\w.+-]*)`)}},
	{"user", rule{stems("user"), lazyregexp.New(`(?m)(?:^|\s)User[ \t]+([\w.-]+)\s*$`)}},
	{"user", rule{stems("user"), lazyregexp.New(`(?i)\b(?:for|of|as)(?: invalid)? user ["']?([\w.-]+)`)}},
	{"user", rule{stems("accepted failed invalid illegal"),
		lazyregexp.New(`(?i)\b(?:accepted|failed|invalid|illegal) (?:\w+(?:/\w+)? for (?:invalid user )?|user ` +
			`)["']?([\w.-]+)`)}},
	{"user", rule{stems("id="), lazyregexp.New(`\b[ug]id=\d+\(([\w.-]+)\)`)}},
	{"user", rule{stems(":x: :*:"), lazyregexp.New(`(?m)(?:^|\s)[\w.-]+:[x*]:\d+:\d+:([^:\n]+):`)}},
	{"user", rule{stems(":x: :*:"), lazyregexp.New(`(?m)(?:^|\s)([\w.-]+):[x*]:\d+:\d+:`)}},
	{"user", rule{stems("sudo"), lazyregexp.New(`sudo(?:\[\d+\])?:\s+([\w.-]+) : `)}},
}

// places replaces who and where: addresses, hosts, accounts and the users' directories.
func (r *Redactor) places(text string) string {
	folded := lower(text)
	for _, context := range contexts {
		if context.applies(folded) {
			text = replaceGroup(text, context.pattern, func(found, after string) string {
				if !r.identifies(context.kind, found, after) {
					return found
				}
				return r.numbered(context.kind, found)
			})
		}
	}
	if strings.Contains(folded, "home") || strings.Contains(folded, "users") {
		text = replaceGroup(text, homePaths, func(found, _ string) string {
			if user, _, _ := strings.Cut(found, "."); slices.Contains(generic, user) || strings.HasPrefix(found, "[") {
				return found
			}
			return r.numbered("user", found)
		})
	}
	return r.addresses(text)
}

// addresses replaces the addresses of machines, of hosts and of accounts.
func (r *Redactor) addresses(text string) string {
	colons, dots := strings.Count(text, ":"), strings.Count(text, ".")
	if colons >= 5 || dots >= 2 || strings.Count(text, "-") >= 5 {
		text = macs.ReplaceAllStringFunc(text, func(found string) string { return r.numbered("mac", found) })
	}
	if strings.Contains(text, "@") {
		text = replaceFound(text, accounts, func(found, _, _ string) string {
			_, host, _ := strings.Cut(found, "@")
			if _, err := netip.ParseAddr(host); err != nil && noAccounts.MatchString(found) {
				return found
			}
			return r.numbered("account", found)
		})
	}
	if dots >= 3 {
		text = replaceFound(text, ipv4, r.ip)
	}
	if colons >= 7 || strings.Contains(text, "::") {
		text = replaceFound(text, ipv6, r.ip)
	}
	if strings.Contains(text, "://") {
		text = urlHosts.ReplaceAllStringFunc(text, func(found string) string {
			parts := urlHosts.FindStringSubmatch(found)
			if !r.identifies("host", parts[2], "") {
				return found
			}
			return parts[1] + r.numbered("host", parts[2])
		})
	}
	if dots == 0 {
		return text
	}
	return replaceFound(text, domains, func(found, _, _ string) string {
		if !isHost(found) || !r.identifies("host", found, "") {
			return found
		}
		return r.numbered("host", found)
	})
}

// identifies reports whether a name tells who or where; after is the text after it.
func (r *Redactor) identifies(kind, found, after string) bool {
	folded := strings.ToLower(strings.TrimRight(found, "."))
	switch {
	case slices.Contains(generic, folded), harmless.MatchString(found), strings.HasPrefix(found, "["):
		return false
	case strings.Trim(found, "0123456789.:") == "": // a number or an address
		return false
	case kind == "host" && strings.HasPrefix(after, "://"): // a scheme
		return false
	case kind == "user" && strings.HasPrefix(after, "@"): // a whole account
		return false
	}
	return kind != "host" || !isPublic(folded)
}

// ip returns the placeholder of an address; those that every machine has stay.
func (r *Redactor) ip(found, before, after string) string {
	longer := before != "" && (alphanumeric(before[len(before)-1]) || strings.HasSuffix(before, ".")) ||
		after != "" && alphanumeric(after[0]) || len(after) > 1 && after[0] == '.' && '0' <= after[1] && after[1] <= '9'
	if longer { // a number of more parts, such as a version, or a name
		return found
	}
	address, err := netip.ParseAddr(found)
	if err != nil || address.IsLoopback() || address.IsUnspecified() || strings.HasPrefix(found, "255.") {
		return found
	}
	return r.numbered("ip", address.WithZone("").String())
}

// publicDomains are where worldsetup, Lima and distributions get what they install.
var publicDomains = []string{
	"github.com", "githubusercontent.com", "github.io", "ghcr.io", "lima-vm.io", "ubuntu.com", "canonical.com",
	"launchpad.net", "debian.org", "fedoraproject.org", "almalinux.org", "opensuse.org", "archlinux.org",
	"alpinelinux.org",
	"rockylinux.org", "oracle.com", "kernel.org", "docker.io", "docker.com", "containerd.io", "golang.org", "go.dev",
	"crates.io", "rust-lang.org", "rustup.rs", "brew.sh", "homebrew.sh", "qemu.org", "freedesktop.org", "gnu.org",
	"openssh.com", "libssh.org", "example.com", "example.org", "apple.com", "json-schema.org",
}

func isPublic(host string) bool {
	return slices.ContainsFunc(publicDomains, func(domain string) bool {
		return host == domain || strings.HasSuffix(host, "."+domain)
	})
}

// topLevel are ends of hosts' names that are no country's.
var topLevel = strings.Fields("com org net edu gov mil int info biz name io dev app cloud tech online site xyz ai " +
	"local lan internal intranet corp home localdomain private office test example invalid arpa box fritz domain onion " +
	"systems network company enterprises agency solutions digital host hosting")

// suffixes are ends of files' names that are countries as well.
var suffixes = strings.Fields("sh rs py md so pl cc ps mo am as in is it to me my at by do no be id")

// noCountries are ends of files' names only.
var noCountries = strings.Fields("gz xz go js rb ts db lo vm ko el fd cf ld ip ok")

// isHost reports whether a name with dots is a host's. Names of files and of units look the same, but for their end.
func isHost(name string) bool {
	labels := strings.Split(strings.ToLower(strings.TrimRight(name, ".")), ".")
	last := labels[len(labels)-1]
	switch {
	case slices.Contains(topLevel, last):
		return true
	case len(last) != 2, slices.Contains(noCountries, last):
		return false
	}
	return !slices.Contains(suffixes, last) || len(labels) > 2
}
