package redact

import (
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
)

// names are words in the names of secrets; those in short count only as whole words.
const (
	names = `passw(?:or)?d|passwd|passphrase|passcode|secret|token|api[_.-]?key|access[_.-]?key|account[_.-]?key|` +
		`private[_.-]?key|signing[_.-]?key|encryption[_.-]?key|shared[_.-]?key|master[_.-]?key|license[_.-]?key|` +
		`host[_.-]?key|ssh[_.-]?key|service[_.-]?key|secret[_.-]?key|credential|authorization|connection[_.-]?string|` +
		`auth[_-]?config|cookie|webhook|mnemonic|recovery[_.-]?(?:key|code)|one[_.-]?time[_.-]?code`
	short = `auth|pass|pwd|pin|otp|psk|sid|salt|session|session[_.-]?id|dsn|nonce|jwt|bearer|sig|signature|pw`
	name  = `(?:[\w.-]*(?:` + names + `)[\w.-]*|(?:[\w.-]*[_.-])?(?:` + short + `))`
)

var (
	secretName = lazyregexp.New(`(?i)^` + name + `$`)
	// harmless are values that are no secrets, whatever their name.
	harmless = lazyregexp.New(`(?i)^["']?(?:|true|false|yes|no|on|off|none|null|nil|ok|\d{1,2}|\*+|` +
		`\[[a-z]+(?:-\d+)?\])["']?$`)
	// blocks are keys and certificates; one that has no end takes all after it.
	blocks = lazyregexp.New(`(?s)-{4,5} ?BEGIN [^-\n]{1,60}-{4,5}.*?(?:-{4,5} ?END [^-\n]{1,60}-{4,5}|\z)`)
	// publicKeys are those of ssh, with the comment, and their fingerprints.
	publicKeys = rule{stems("aaaa sha256: md5:"),
		lazyregexp.New(`(?:sk-)?(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d+)[\w@.-]*\s+AAAA[\w+/=]*(?:[ \t]+[^\s"']+)?` +
			`|\bSHA256:[\w+/]{43}=?|\bMD5(?::[0-9a-f]{2}){16}|\bAAAA[BCE][\w+/]{20,}={0,2}`)}
)

// rule is a pattern with texts of which one is in every line that it matches, in small letters: most lines have none,
// and a pattern takes a thousand times as long to find that out.
type rule struct {
	stems   []string
	pattern *lazyregexp.Regexp
}

// stems splits at spaces.
func stems(text string) []string { return strings.Fields(text) }

// applies reports whether the rule may match a line, which is given in small letters.
func (r rule) applies(folded string) bool {
	return slices.ContainsFunc(r.stems, func(stem string) bool { return strings.Contains(folded, stem) })
}

var nameStems = stems("passw phrase passcode secret token key credential authorization connection cookie webhook " +
	"mnemonic recovery code auth pass pwd pin otp psk sid salt session dsn nonce jwt bearer sig pw")

// valued matches in its last group the secret that has a name before it.
var valued = []rule{
	{nameStems, lazyregexp.New(`(?im)^\s*(?:-\s+|#\s*|export\s+)?["']?` + name + `["']?[ \t]*:[ \t]+(\S.*)$`)},
	{nameStems, lazyregexp.New(`(?i)[\w.-]*(?:` + names + `)[\w.-]*[ \t]*:[ \t]+([^\s"'{\[][^"'\n]*)`)},
	{stems("authorization cookie x-"), lazyregexp.New(`(?i)\b(?:(?:proxy-)?authorization|(?:set-)?cookie|` +
		`x-[\w-]*(?:key|token|auth|secret)[\w-]*)\\*["']?\s*[:=]\s*([^"'\n]+)`)},
	{nameStems, lazyregexp.New(`(?i)` + name +
		`(?:\\*["'])?\s*(?:=>|:=|==?|:|%3a|%3d)\s*(\\*"(?:[^"\\\n]|\\[^"\n])*\\*"?|'[^'\n]*'?|[^\s"']\S*)`)},
	{nameStems, lazyregexp.New(`(?i)\b` + name + `\s+(?:is|was)\s*:?\s+(\S+)`)},
	{nameStems, lazyregexp.New(`(?i)\s--?` + name + `\s+("[^"\n]*"?|'[^'\n]*'?|\S+)`)},
	{stems("bearer basic negotiate digest"), lazyregexp.New(`(?i)\b(?:bearer|basic|negotiate|digest)\s+([\w.~+/=-]{8,})`)},
	{nameStems, lazyregexp.New(`(?i)<` + name + `[^<>\n]*>([^<\n]+)<`)},
	{stems("passw passphrase passcode secret token"),
		lazyregexp.New(`(?i)\b(?:password|passphrase|passcode|secret|token)\s+["']?([^\s"']*[\d@#$%!^&*+-][^\s"']*)`)},
	{stems("machine"), lazyregexp.New(`(?i)\bmachine\s+\S+\s+login\s+(\S+\s+(?:account\s+\S+\s+)?password\s+\S+)`)},
	{stems("passw login"), lazyregexp.New(`(?im)^\s*(?:password|passwd|login)[ \t]+(\S+)\s*$`)},
	{stems("sshpass"), lazyregexp.New(`(?i)\bsshpass\s+-p\s*("[^"\n]*"?|'[^'\n]*'?|\S+)`)},
	{stems("-u --user --proxy-user"), lazyregexp.New(`(?i)\s(?:-u|--user|-U|--proxy-user)[ =]?((?:"[^"\n]*"?|` +
		`'[^'\n]*'?|[^\s:]+:\S+))`)},
	{stems("mysql mariadb psql"), lazyregexp.New(`(?i)\b(?:mysql|mysqldump|mariadb|psql)\b.*?\s-p(\S+)`)},
	{stems(":"), lazyregexp.New(`(?m)(?:^|\s)[\w.*\[\]-]+:\d{3,5}:[^:\s]+:[^:\s]+:(\S+)`)},
	{stems("identified"), lazyregexp.New(`(?i)identified\s+(?:with\s+\S+\s+)?by\s+("[^"\n]*"?|'[^'\n]*'?|\S+)`)},
	{stems("::"), lazyregexp.New(`(?m)^[\w.-]+:([$!*][^:\s]*):\d*:\d*:`)}, // of /etc/shadow
	{stems("serial asset"), lazyregexp.New(`(?i)\b(?:serial(?:[ _-]?(?:number|no))?|` +
		`asset[ _-]?tag)["']?\s*(?:\([\w ]+\))?\s*[=:]\s*["']?([\w-]*\d[\w-]*)`)},
	{stems("mac hwaddr lladdr ether"), lazyregexp.New(`(?i)\b(?:mac|macaddr|hwaddr|hwaddress|lladdr|` +
		`ether)["']?(?:\s*[=:]\s*|\s+)["']?([0-9a-f]{12})\b`)},
}

// named masks the secrets in a line that have a name.
func named(text, folded string) string {
	for _, rule := range valued {
		if !rule.applies(folded) {
			continue
		}
		text = replaceGroup(text, rule.pattern, func(value, _ string) string {
			if harmless.MatchString(strings.TrimRight(value, `,;})]"'`)) || isPath(value) {
				return value
			}
			return mask
		})
	}
	return text
}

// replaceGroup replaces the last group of each match by what by returns for it and the text after it.
func replaceGroup(text string, pattern *lazyregexp.Regexp, by func(found, after string) string) string {
	matches := pattern.FindAllStringSubmatchIndex(text, -1)
	if len(matches) == 0 {
		return text
	}
	var result strings.Builder
	last := 0
	for _, match := range matches {
		begin, end := match[len(match)-2], match[len(match)-1]
		result.WriteString(text[last:begin])
		result.WriteString(by(text[begin:end], text[end:]))
		last = end
	}
	result.WriteString(text[last:])
	return result.String()
}

// isPath reports whether a value is where something is, as in PWD=/root. Base64 may begin with a slash, too.
func isPath(value string) bool {
	return (strings.HasPrefix(value, "/") || strings.HasPrefix(value, "~/")) && !isRandom(value)
}

// tokens have a form of their own.
var tokens = rule{stems("gh gl xox xapp- _live_ _test_ whsec_ sk- a3t akia asia agpa aida aroa anpa aiza ya29. 1//0 " +
	"gocspx npm_ pypi- hf_ _v1_ sg. eyj tskey- age-secret shp sq0 dckr_ hv s. b. r. dp. lin_ pat- nrak- eaa secret_ " +
	"ntn_ atatt rk_ key- :aa slack discord webhook $ } nvapi- clojars_ sntrys_ pmak- a3- npg_ sbp_"),
	lazyregexp.New(strings.Join([]string{
		`\bgh[a-z]_\w{16,}`, `\bgithub_pat_\w{16,}`, `\bgl[a-z]{2,5}-[\w.-]{16,}`, `\bxox[a-z]+-[\w-]{8,}`,
		`\bxapp-[\w-]{8,}`,
		`\b[sprw][khp]_(?:live|test)_\w{8,}`, `\bwhsec_[\w+/=]{8,}`, `\bsk-[\w-]{16,}`, `\b(?:A3T\w|AKIA|ASIA|AGPA|AIDA|` +
			`AROA|ANPA)[A-Z0-9]{12,}`,
		`\bAIza[\w-]{20,}`, `\bya29\.[\w.-]+`, `\b1//0[\w-]{20,}`, `\bGOCSPX-[\w-]+`, `\bnpm_\w{16,}`, `\bpypi-[\w-]{16,}`,
		`\bhf_\w{16,}`, `\bdo[opr]_v1_\w{16,}`, `\bSG\.[\w-]{8,}\.[\w-]{8,}`, `\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?`,
		`\btskey-[\w-]{8,}`,
		`\bAGE-SECRET-KEY-1\w+`, `\bshp[a-z]{2}_\w{16,}`, `\bsq0[a-z]{3}-[\w-]{16,}`, `\bgls[a-z]_\w{16,}`,
		`\bdckr_[a-z]+_[\w-]{8,}`,
		`\bhv[sbr]\.[\w-]{8,}`, `\b[sbr]\.\w{24}\b`, `\bdp\.[a-z]+\.\w{16,}`, `\blin_api_\w{16,}`, `\bpat-[\w-]{20,}`,
		`\bNRAK-\w{16,}`,
		`\bEAAC?\w{20,}`, `\bsecret_\w{20,}`, `\bntn_\w{20,}`, `\bATATT\w[\w=-]{20,}`, `\bpk\.eyJ[\w.-]+`, `\brk_\w+_\w{10,}`,
		`\bkey-[0-9a-f]{32}\b`, `\b\d{8,10}:AA[\w-]{30,}`, `hooks\.slack\.com/\S+`, `discord(?:app)?\.com/api/webhooks/\S+`,
		`\.webhook\.office\.com/\S+`, `\$(?:1|2[abxy]?|5|6|7|y|gy|argon2\w*|pbkdf2[\w-]*|scrypt)\$[\w./+$=,-]{8,}`,
		`\{(?:S?SHA\d*|S?MD5|CRYPT|bcrypt)\}[\w./+$=-]{8,}`, `\bnvapi-[\w-]{16,}`, `\bCLOJARS_\w{16,}`, `\bsntrys_\w+`,
		`\bPMAK-[\w-]{16,}`, `\bops_eyJ\w+`, `\bA3-[A-Z0-9]{6}(?:-[A-Z0-9]{5,6}){5}`, `\bnpg_\w{8,}`, `\bsbp_\w{16,}`,
	}, "|"))}

// words are what tokens without a form are made of.
var words = lazyregexp.New(`[\w+/=-]{20,}`)

// random masks what looks like chance: characters of several kinds that take turns.
func random(text string) string {
	if !hasRun(text, 20, "+/=-_") {
		return text
	}
	return words.ReplaceAllStringFunc(text, func(word string) string {
		if isRandom(word) {
			return mask
		}
		return word
	})
}

// hasRun reports whether a line has that many letters, digits and others in a row.
func hasRun(text string, least int, others string) bool {
	run := 0
	for i := range len(text) {
		if alphanumeric(text[i]) || strings.IndexByte(others, text[i]) >= 0 {
			if run++; run >= least {
				return true
			}
			continue
		}
		run = 0
	}
	return false
}

// isRandom reports whether letters and digits take turns as often as they do by chance. Words and paths don't.
func isRandom(word string) bool {
	kind := func(c byte) int {
		switch {
		case '0' <= c && c <= '9':
			return 1
		case 'a' <= c && c <= 'z':
			return 2
		case 'A' <= c && c <= 'Z':
			return 3
		}
		return 0
	}
	var seen [4]int
	turns, length := 0, 0
	for i := range len(word) {
		k := kind(word[i])
		if k == 0 {
			continue
		}
		seen[k]++
		length++
		if i > 0 && kind(word[i-1]) != 0 && kind(word[i-1]) != k {
			turns++
		}
	}
	kinds := 0
	for _, n := range seen[1:] {
		if n > 1 {
			kinds++
		}
	}
	return length >= 18 && kinds >= 2 && turns*10 >= length*3 && !isHex(word)
}

// isHex reports whether a word is a number in hexadecimal, which [Redactor.ids] judges.
func isHex(word string) bool {
	return strings.Trim(word, "0123456789abcdefABCDEF-=") == "" && (len(word) == 40 || len(word) == 64)
}
