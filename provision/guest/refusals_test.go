package guest

import (
	"context"
	"testing"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// says is a Transport whose scripts print a text.
type says string

func (s says) Exec(context.Context, Request) (Reply, error) { return Reply{Stdout: []byte(s)}, nil }

func (says) Chain(context.Context, []Request, func()) error { return nil }

func (says) Renew(context.Context, []Pair) error { return nil }

// TestRefusals: a setting that the guest names becomes a word of a command, so it has to be one of sshd's.
func TestRefusals(t *testing.T) {
	for text, want := range map[string]Refusals{
		"setting=AllowUsers games\n": {Setting: SSHDSetting{"AllowUsers", "games"}},
		"the account has expired\n":  {Causes: []string{"the account has expired"}},
		"setting=;id x\n":            {},
		"setting=$(id)\n":            {},
	} {
		found, err := Over(says(text), layout.AgentV1).Refusals(t.Context(), Shared, "ada", RefusedLogin)
		if err != nil || found.Setting != want.Setting || len(found.Causes) != len(want.Causes) {
			t.Errorf("%q: %+v, %v", text, found, err)
		}
	}
}
