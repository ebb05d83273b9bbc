package redact

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// Here returns what this process knows of this machine and its user: names, home directories, and the values of
// variables whose names say that they are secret.
func Here() (known Known) {
	add := func(to *[]string, values ...string) {
		for _, value := range values {
			if value = strings.TrimSpace(value); value != "" {
				*to = append(*to, value)
			}
		}
	}
	if me, err := user.Current(); err == nil {
		name, _, _ := strings.Cut(me.Name, ",") // the rest is rooms and numbers
		add(&known.Users, me.Username, name)
		add(&known.Homes, me.HomeDir)
	}
	add(&known.Users, os.Getenv("USER"), os.Getenv("LOGNAME"), os.Getenv("SUDO_USER"))
	add(&known.Homes, os.Getenv("HOME"))
	for _, home := range known.Homes {
		if resolved, err := filepath.EvalSymlinks(home); err == nil {
			add(&known.Homes, resolved)
		}
	}
	if host, err := os.Hostname(); err == nil {
		short, _, _ := strings.Cut(host, ".")
		add(&known.Hosts, host, short)
	}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if secretName.MatchString(name) && !harmless.MatchString(value) && !isPath(value) {
			add(&known.Secrets, value)
		}
	}
	return known
}
