package redact

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

var known = Known{
	Users: []string{"ada", "Ada Lovelace"}, Homes: []string{"/home/ada", "/Users/ada.lovelace"},
	Hosts: []string{"analytical-engine", "analytical-engine.corp.lovelace.net"}, Secrets: []string{"swordfish99"},
}

// plant is a text, and what of it must not stay. The secrets of services are put together here, so that this file has
// none that looks real.
type plant struct{ text, secret string }

func plants() []plant {
	const tail, hex32 = "Zq7Xk2Lm9Tn4Vb8Wc3Rd6Yf1", "9f86d081884c7d659a2feaa0c55ad015"
	key := strings.Repeat("MIIEpAIBAAKCAQEA7x9ZkQ3v\n", 3)
	all := []plant{
		// What gives access, by its name.
		{"password: correct horse battery", "horse"},
		{`password="correct horse"`, "horse"},
		{"PGPASSWORD=tr0ub4dor psql", "tr0ub4dor"},
		{"export MYSQL_PWD='tr0ub4dor'", "tr0ub4dor"},
		{`{"password":"tr0ub4dor","a":1}`, "tr0ub4dor"},
		{`msg="{\"token\":\"tr0ub4dor\"}"`, "tr0ub4dor"},
		{"db_password = tr0ub4dor", "tr0ub4dor"},
		{"the password is tr0ub4dor", "tr0ub4dor"},
		{"tried password tr0ub4dor, no", "tr0ub4dor"},
		{"passphrase => 'tr0ub 4dor'", "4dor"},
		{"run --password tr0ub4dor now", "tr0ub4dor"},
		{"run --api-key=tr0ub4dor now", "tr0ub4dor"},
		{"curl -u ada:tr0ub4dor https://x.example", "tr0ub4dor"},
		{"curl --proxy-user 'ada:tr0ub 4dor' x", "4dor"},
		{"sshpass -p tr0ub4dor ssh x", "tr0ub4dor"},
		{"mysql -h db -ptr0ub4dor", "tr0ub4dor"},
		{"machine git.example login ada password tr0ub4dor", "tr0ub4dor"},
		{"db.example:5432:app:ada:tr0ub4dor", "tr0ub4dor"},
		{"CREATE USER a IDENTIFIED BY 'tr0ub4dor'", "tr0ub4dor"},
		{"<password>tr0ub4dor</password>", "tr0ub4dor"},
		{"Server=db;User Id=a;Password=tr0ub4dor;", "tr0ub4dor"},
		{"AccountKey=tr0ub4dor==;EndpointSuffix=core", "tr0ub4dor"},
		{"aws_secret_access_key = tr0ub/4dor+x", "4dor"},
		{"Cookie: sid=tr0ub4dor; theme=dark; uid=4dor2", "4dor2"},
		{"Set-Cookie: session=tr0ub4dor; HttpOnly", "tr0ub4dor"},
		{"Authorization: Bearer tr0ub4dor", "tr0ub4dor"},
		{"Authorization: Basic YWRhOnRyMHViNGRvcg==", "YWRhOnRy"},
		{`curl -H "X-Api-Key: tr0ub4dor"`, "tr0ub4dor"},
		{"Proxy-Authorization: Digest username=tr0ub4dor", "tr0ub4dor"},
		{"https://ada:tr0ub4dor@git.example/x", "tr0ub4dor"},
		{`http://CORP\ada:x/tr0ub4dor@proxy:3128`, "tr0ub4dor"},
		{"HTTPS_PROXY=ada:tr0ub4dor@proxy:3128", "tr0ub4dor"},
		{"https://h.example/i?X-Amz-Signature=tr0ub4dor", "tr0ub4dor"},
		{"https://h.example/i?sig=tr0ub4dor&x=y", "tr0ub4dor"},
		{"next=https%3A%2F%2Fh%3Ftoken%3Dtr0ub4dor", "tr0ub4dor"},
		{"postgres://ada:tr0ub4dor@db.example/app", "tr0ub4dor"},
		{"redis://:tr0ub4dor@cache.example:6379", "tr0ub4dor"},
		{"smtp auth=tr0ub4dor", "tr0ub4dor"},
		{`"auth": "YWRhOnRyMHU="`, "YWRhOnRy"},
		{"wpa_passphrase=tr0ub4dor", "tr0ub4dor"},
		{"psk=tr0ub4dor", "tr0ub4dor"},
		{"pin: 48151", "48151"},
		{"client_secret: tr0ub4dor", "tr0ub4dor"},
		{"PrivateKey = oK1tr0ub4dor=", "tr0ub4dor"},
		{"VAULT_TOKEN=tr0ub4dor", "tr0ub4dor"},
		{"npm config //registry/:_authToken=tr0ub4dor", "tr0ub4dor"},
		{"said swordfish99 aloud", "swordfish99"},
		{"DOCKER_AUTH_CONFIG=tr0ub4dor", "tr0ub4dor"},
		{"SENTRY_DSN=https://tr0ub4dor@o1.ingest.example/2", "tr0ub4dor"},
		{"ada:$6$salt$tr0ub4dorHash:19000:0:99999:7:::", "tr0ub4dorHash"},
		{"hash $2b$12$tr0ub4dorHashValue./x", "tr0ub4dorHash"},
		{"$argon2id$v=19$m=65536$tr0ub4dor", "tr0ub4dor"},
		{"pass\x1b[31mword=tr0ub\x1b[0m4dor", "4dor"},
		{"password=tr0\u200bub4dor", "ub4dor"},
		{"login failed\rpassword=tr0ub4dor", "tr0ub4dor"},
		// Keys.
		{"-----BEGIN RSA PRIVATE KEY-----\n" + key + "-----END RSA PRIVATE KEY-----", "MIIEpAIBAA"},
		{"-----BEGIN OPENSSH PRIVATE KEY-----\n" + key, "MIIEpAIBAA"},
		{"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" + key + "-----END PGP PRIVATE KEY BLOCK-----", "MIIEpAIBAA"},
		{`"-----BEGIN EC PRIVATE KEY-----\n` + strings.ReplaceAll(key, "\n", `\n`) + `-----END EC PRIVATE KEY-----\n"`,
			"MIIEpAIBAA"},
		{"-----BEGIN CERTIFICATE-----\n" + key + "-----END CERTIFICATE-----", "MIIEpAIBAA"},
		{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIabcDEF ada@laptop", "lZDI1NTE5"},
		{"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ== work laptop", "yc2EAAAA"},
		{"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY= x", "VjZHNh"},
		{"key fingerprint is SHA256:" + strings.Repeat("aB3", 14) + "x", "aB3aB3"},
		{"MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48", "16:27:ac"},
		// Tokens by their form, without a name before them.
		{"ghp" + "_" + tail, tail}, {"github" + "_pat_" + tail, tail}, {"gl" + "pat-" + tail, tail},
		{"xo" + "xb-1234567890-" + tail, tail}, {"sk" + "_live_" + tail, tail}, {"wh" + "sec_" + tail, tail},
		{"sk" + "-ant-api03-" + tail, tail}, {"AK" + "IAQ7XK2LM9TN4VB8WC", "Q7XK2LM9"}, {"AI" + "zaSy" + tail, tail},
		{"ya" + "29.a0" + tail, tail}, {"np" + "m_" + tail, tail}, {"py" + "pi-AgEIc" + tail, tail},
		{"hf" + "_" + tail, tail}, {"SG" + ".abcdefgh12." + tail, tail}, {"tskey" + "-auth-" + tail, tail},
		{"ey" + "JhbGciOiJI.ey" + "JzdWIiOiIx.sig" + tail, tail}, {"AGE" + "-SECRET-KEY-1QQPZRY9X8", "QQPZRY9X8"},
		{"hv" + "s.CAES" + tail, tail}, {"dck" + "r_pat_" + tail, tail}, {"https://hooks." +
			"slack.com/services/T0/B0/xyzzy", "xyzzy"},
		{"took " + tail + " seconds", tail}, {"id=" + hex32, hex32}, {hex32 + hex32 + " is it", hex32},
		{"kJ8/x2Lq+9Tn4Vb8Wc3Rd6Yf1Zq7Xk2Lm9Tn4Vb8==", "Wc3Rd6Yf"},
		// Who.
		{"/home/ada/project", "ada"}, {"ls /Users/grace/x", "grace"}, {`C:\Users\grace\x`, "grace"},
		{"by Ada Lovelace today", "Lovelace"}, {"ada : TTY=pts/0 ; USER=root", "ada"}, {"uid=1000(grace) gid=1000(grace)",
			"grace"},
		{"sshd: Accepted publickey for grace from 10.1.2.3 port 22", "grace"}, {"User grace", "grace"},
		{"mail grace.hopper@navy.example", "hopper"}, {"Invalid user grace from 10.1.2.3", "grace"},
		{"grace:x:1001:1001:Grace Hopper,,,:/home/grace:/bin/sh", "Hopper"}, {"user=ADA", "ADA"},
		// Where.
		{"host analytical-engine is up", "analytical"}, {"10.20.30.40:22", "10.20.30.40"}, {"inet 192.168.178.23/24",
			"178.23"},
		{"fe80::5055:55ff:fe12:3456%eth0", "5055:55ff"}, {"[2001:db8:85a3::8a2e:370:7334]:443", "8a2e:370"},
		{"ether 52:55:55:12:34:56 brd", "12:34:56"}, {"mac 52-55-55-12-34-56", "12-34-56"}, {"mac=525555123456",
			"525555123456"},
		{"build01.ci.corp is down", "build01"}, {"lookup vault.internal on x", "vault"}, {"http://jenkins:8080/job",
			"jenkins"},
		{"Nov 28 13:44:26 gracebook sshd[12]: x", "gracebook"}, {"gracebook login: ", "gracebook"},
		{"Hostname set to <gracebook>.", "gracebook"}, {"ip-10-20-30-40.ec2.internal", "10-20-30"},
		{"machine-id 4c4c4544-0042-3010-8053-b4c04f4e3132", "b4c04f4e3132"}, {"Serial Number (system): C02XK1ABJGH5",
			"C02XK1AB"},
		{"192.168.1.7 gracebook gracebook.lan", "gracebook"}, {"ssh grace@203.0.113.9",
			"203.0.113"}, {"ssh grace@203.0.113.9", "grace"},
		{"dial tcp: lookup registry.navy.mil: no such host", "navy"},
	}
	return all
}

// TestNothingPlantedIsLeft plants more than a hundred secrets, each alone, in one text, and in JSON.
func TestNothingPlantedIsLeft(t *testing.T) {
	all := plants()
	if len(all) < 100 {
		t.Fatalf("only %d", len(all))
	}
	check := func(how, text string, secret plant) {
		if strings.Contains(text, secret.secret) {
			t.Errorf("%s: %q is left of %q: %.300q", how, secret.secret, secret.text, text)
		}
	}
	var texts []string
	for i, one := range all {
		text := New(known).Text(one.text)
		check("alone", text, one)
		if again := New(known).Text(text); strings.Contains(again, one.secret) {
			t.Errorf("again: %q", again)
		}
		check("in a log", New(known).Text(fmt.Sprintf("time=\"2026-11-28\" msg=%d\n%s\nmsg=x\n", i, one.text)), one)
		if !strings.Contains(one.text, " gracebook gracebook.lan") { // of /etc/hosts
			check("in a line", New(known).Text(fmt.Sprintf("2026-11-28 level=info msg=%d %s\n", i, one.text)), one)
		}
		line, err := json.Marshal(map[string]any{"n": 123456789012, "message": one.text, "list": []string{one.text}})
		if err != nil {
			t.Fatal(err)
		}
		redacted := New(known).JSON(line)
		check("JSON", string(redacted), one)
		if !json.Valid(redacted) || !strings.Contains(string(redacted), "123456789012") {
			t.Errorf("%s became %s", line, redacted)
		}
		if name, value, found := strings.Cut(one.text, "="); found && !strings.ContainsAny(name, " \"?;/'<$") {
			line, _ = json.Marshal(map[string]string{name: value})
			check("a field", string(New(known).JSON(line)), one)
		}
		if !strings.HasPrefix(one.text, "-----BEGIN OPENSSH") { // it takes all after it
			texts = append(texts, one.text)
		}
	}
	whole := New(known).Text(strings.Join(texts, "\n"))
	for _, one := range all {
		check("together", whole, one)
	}
}

// TestUsefulTextIsKept: what a bundle is read for stays readable.
func TestUsefulTextIsKept(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0a1b2c3d", 8)
	for _, text := range []string{
		"", "the VM substrate is running", "step 3 of 9: install units, 2.1.4-1ubuntu3", "127.0.0.1:60022", "[::1]:80 and ::",
		"https://cloud-images.ubuntu.com/releases/noble/release-20260801/ubuntu-24.04-server-cloudimg-amd64.img",
		"https://github.com/lima-vm/lima/releases", digest, "substrate-world-agent.service: Main process exited, code=exited",
		"user@1000.service", "lima-guestagent.Linux-x86_64.gz", "level=info msg=\"[hostagent] Waiting for the essential " +
			"requirement 1 of 3: \\\"ssh\\\"\"",
		"exit status 255", "-rw-r----- root:substrate 0660 /run/substrate.sock", "2026-11-28T13:44:26Z", "13:44:26.123",
		"std::process::exit", "lima.yaml: vmType: qemu", "/usr/lib/x86_64-linux-gnu/libc.so.6", "cpus: 4",
		"/home/ubuntu/x", "commit " + strings.Repeat("0a1b2c3d4e", 4),
		"PWD=/root", "port 60022", "QEMU emulator version 8.2.2 (Debian 1:8.2.2+ds-0ubuntu1.7)", "root:substrate 660",
	} {
		if got := New(known).Text(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// The same address has the same placeholder, another one has another.
func TestPlaceholders(t *testing.T) {
	r := New(known)
	if got, want := r.Text("10.0.0.1 10.0.0.2 10.0.0.1"), "[ip-1] [ip-2] [ip-1]"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := r.Text("see 10.0.0.2: /home/ada/x"), "see [ip-2]: ~/x"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := string(r.JSON([]byte(`{"token":"abc","user":"eve","n":1,"sub":{"ok":true}}`))),
		`{"token":"***","user":"[user-1]","n":1,"sub":{"ok":true}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// FuzzText: whatever is around them, secrets that have a form of their own, and what is known, don't stay.
func FuzzText(f *testing.F) {
	f.Add("", "")
	f.Add("password: \"", "\" x")
	f.Add("-----BEGIN RSA PRIVATE KEY-----", "\x1b]0;")
	f.Add("{\"a\":\"\\", "\xff\r")
	secrets := []string{
		"swordfish99", "10.20.30.40", "fe80::5055:55ff:fe12:3456", "52:55:55:12:34:56", "analytical-engine",
		"grace.hopper@navy.example", "ghp" + "_Zq7Xk2Lm9Tn4Vb8Wc3Rd6Yf1", "4c4c4544-0042-3010-8053-b4c04f4e3132",
		"/home/ada/x",
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, secret := range secrets {
			text := New(known).Text(before + "\n" + secret + "\n" + after)
			if strings.Contains(text, secret) && !strings.Contains(before+after, secret) || !utf8.ValidString(text) {
				t.Errorf("%q is left in %q", secret, text)
			}
			quoted, _ := json.Marshal([]string{before, secret, after})
			if redacted := New(known).JSON(quoted); !json.Valid(redacted) {
				t.Errorf("%s became %s", quoted, redacted)
			}
		}
	})
}

// BenchmarkText redacts a log.
func BenchmarkText(b *testing.B) {
	line := `time="2026-11-28T13:44:26Z" level=info msg="[hostagent] Waiting for the essential requirement 1 of 3: ` +
		`\"ssh\""` + "\n"
	text := strings.Repeat(line, 1<<17/len(line))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		New(known).Text(text)
	}
}
