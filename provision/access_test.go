package provision

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/faults"
	"github.com/atomize-hq/worldsetup/provision/internal/hostsocket"
	"github.com/atomize-hq/worldsetup/provision/internal/verify"
)

// TestReach: all others who can reach the socket are listed, keep the world from being ready when a person let them in,
// and are named with the command that takes it back; the plan has no step for that.
func TestReach(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*guest.Observation)
		who  string // empty: no one else
		next string // empty: a run takes it back
	}{
		"no one else":     {edit: func(*guest.Observation) {}},
		"a member":        {member("games"), "games", "gpasswd -d games substrate"},
		"root":            {edit: member("root")},
		"another root":    {edit: func(o *guest.Observation) { member("toor")(o); account(o, "toor", 0, 0) }},
		"the user's twin": {edit: func(o *guest.Observation) { member("twin")(o); account(o, "twin", 501, 5) }},
		"a name to quote": {member("a b"), "a b", "gpasswd -d 'a b' substrate"},
		"a primary group": {
			func(o *guest.Observation) { account(o, "games", 5, 996) }, "games", "usermod -g users games",
		},
		"an administrator": {
			func(o *guest.Observation) { o.Groups[0].Admins = []string{"games"} }, "games", "gpasswd -A '' substrate",
		},
		"in gshadow": {
			func(o *guest.Observation) { o.Groups[0].Shadow = []string{"games"} }, "games", "gpasswd -M ada substrate",
		},
		"a password": {
			func(o *guest.Observation) { o.Groups[0].Password = true },
			"all who know the password of the group substrate", "gpasswd -r substrate",
		},
		"the same number": {
			func(o *guest.Observation) {
				o.Groups = append(o.Groups, guest.GroupEntry{Name: "docker", GID: 996, Members: []string{"games"}})
			}, "games", "gpasswd -d games docker",
		},
		"another group": {edit: func(o *guest.Observation) {
			o.Groups = append(o.Groups, guest.GroupEntry{Name: "docker", GID: 5, Members: []string{"games"}})
		}},
		"a member of another source": {
			func(o *guest.Observation) { o.Group.Members = append(o.Group.Members, "far") },
			"far", "/etc/nsswitch.conf",
		},
		"an access list": {func(o *guest.Observation) {
			o.ACLs = map[string][]string{guest.SocketPath: {"user:games:rw-"}}
		}, "games", ""},
		"the group of an access list": {func(o *guest.Observation) {
			o.ACLs = map[string][]string{guest.SocketPath: {"group:games:-w-"}}
		}, "group games", ""},
		"a list without access": {edit: func(o *guest.Observation) {
			o.ACLs = map[string][]string{guest.SocketPath: {"user:games:r--"}}
		}},
		"a mode": {func(o *guest.Observation) {
			file := o.Files[guest.SocketPath]
			file.Mode = "666"
			o.Files[guest.SocketPath] = file
		}, "every user", ""},
	} {
		s := healthyState(t)
		s.Guest.Groups = []guest.GroupEntry{{Name: guest.GroupName, GID: 996, Members: []string{"ada"}}}
		account(s.Guest, "root", 0, 0)
		account(s.Guest, "ada", 501, 1000)
		c.edit(s.Guest)
		others := []faults.Reach{}
		for _, one := range faults.Reachable(s.Guest, "substrate") {
			if !one.Expected {
				others = append(others, one)
			}
		}
		if c.who == "" {
			if len(others) > 0 {
				t.Errorf("%s: %+v", name, others)
			}
			continue
		}
		if len(others) != 1 || others[0].Who != c.who || !strings.Contains(others[0].Next, c.next) ||
			(others[0].Next == "") != (c.next == "") {
			t.Errorf("%s: %+v", name, others)
		}
		plan := planFor(healthyTarget(), s)
		if left := len(plan.Unrepaired) == 1; left != (c.next != "") || plan.Empty() != left {
			t.Errorf("%s: it leaves %+v and has the steps %v", name, plan.Unrepaired, plan.Steps)
		}
		r := newRun(&emitter{})
		r.target = healthyTarget()
		r.edges.Now = time.Now
		health := r.report(view{state: s, plan: plan, verified: &verify.Result{}})
		if health.Ready {
			t.Errorf("%s: it is ready", name)
		}
		if c.next != "" && !strings.Contains(unhealthy(health).Next, c.next) {
			t.Errorf("%s: next is %q", name, unhealthy(health).Next)
		}
	}
}

func member(name string) func(*guest.Observation) {
	return func(o *guest.Observation) {
		o.Group.Members = append(o.Group.Members, name)
		o.Groups[0].Members = append(o.Groups[0].Members, name)
	}
}

func account(o *guest.Observation, name string, uid, gid int) {
	o.Accounts = append(o.Accounts, guest.Account{Name: name, UID: uid, GID: gid})
}

// TestSocketOfAnother: a forwarded socket that another user owns is not the agent's, whatever answers there.
func TestSocketOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "substrate.sock")
	if why := hostsocket.OtherOwner(path, os.Getuid()); why != "" {
		t.Errorf("one that isn't there %s", why)
	}
	socket, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if why := hostsocket.OtherOwner(path, os.Getuid()); why != "" {
		t.Errorf("our own %s", why)
	}
	owner := hostsocket.OtherOwner(path, os.Getuid()+1)
	s := State{HostSocketOwner: owner, Guest: &guest.Observation{SessionGroups: []string{guest.GroupName}}}
	reasons := connectionReasons(s)
	if owner == "" || len(reasons) != 1 || !strings.HasSuffix(reasons[0], owner) {
		t.Errorf("another user's: %q, %q", owner, reasons)
	}
}
