package guest

import (
	"reflect"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// TestParseIdentity: users, groups and access lists as a guest prints them; what is malformed is passed over.
func TestParseIdentity(t *testing.T) {
	text := strings.Replace(recorded(t, "observation.txt"), "\nend\n", `
etc-group=substrate|996|no|ada,,games
etc-group=odd|many|no|games
etc-group=short|5
etc-group=other|5|yes|
etc-passwd=ada|501|1000
etc-passwd=+||
etc-gshadow=substrate|yes|root|ada,eve
etc-gshadow=nowhere|yes|a|b
sources=group|files [SUCCESS=merge] systemd
acl=# file: /run/substrate.sock
acl=# owner: root
acl=user::rw-
acl=user:games:rw-
acl=group::rw-
acl=mask::rw-
acl=default:user::rwx
acl=
acl=# file: /run
way=/usr|rw,relatime|rw
way=/usr/local|ro,noexec|rw
way=/var/lib|rw|ro,errors=continue
end
`, 1)
	o, err := ParseObservation(Reply{Stdout: []byte(text)}, layout.AgentV1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if want := []GroupEntry{
		{Name: "substrate", GID: 996, Members: []string{"ada", "games"}, Password: true, Admins: []string{"root"},
			Shadow: []string{"eve"}},
		{Name: "other", GID: 5, Members: []string{}, Password: true},
	}; !reflect.DeepEqual(o.Groups, want) {
		t.Errorf("groups %+v", o.Groups)
	}
	if want := []Account{{"ada", 501, 1000}}; !reflect.DeepEqual(o.Accounts, want) {
		t.Errorf("accounts %+v", o.Accounts)
	}
	if want := map[string][]string{SocketPath: {"user:games:rw-", "default:user::rwx"}, "/run": {}}; !reflect.DeepEqual(
		o.ACLs, want) {
		t.Errorf("access lists %+v", o.ACLs)
	}
	if at, way := o.WayTo(layout.AgentV1.Agent()); at != "/usr/local" ||
		way != (Way{ReadOnly: true, NoExec: true, Bind: true}) {
		t.Errorf("to the agent: %q %+v", at, way)
	}
	if at, way := o.WayTo(StatePath); at != "/var/lib" || way != (Way{ReadOnly: true}) {
		t.Errorf("to the state: %q %+v", at, way)
	}
	if at, _ := o.WayTo("/usrlocal"); at != "" {
		t.Errorf("to another directory: %q", at)
	}
	bad := strings.Replace(text, "acl=# file: /run/substrate.sock\n", "", 1)
	if _, err := ParseObservation(Reply{Stdout: []byte(bad)}, layout.AgentV1, 2); err == nil {
		t.Error("an access list of no file was taken")
	}
}
