package guest

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

func TestParseVerified(t *testing.T) {
	verified, err := ParseVerified(Reply{Stdout: []byte(recorded(t, "verified.txt"))}, Self, Root, Outsider)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"/home/ada", "/src"}; !reflect.DeepEqual(verified.Mounted, want) {
		t.Errorf("mounted %q, want %q", verified.Mounted, want)
	}
	for _, who := range []string{Self, Root} {
		answer := verified.Answers[who]
		if ok, why := answer.Answered(layout.AgentV1); !ok || answer.Status != 200 || answer.Took <= 0 ||
			answer.Took > time.Second {
			t.Errorf("%s: %+v, %s", who, answer, why)
		}
	}
	if answer := verified.Answers[Outsider]; !answer.Refused() || answer.Body != "" {
		t.Errorf("outsider: %+v", answer)
	}
}

func TestParseVerifiedRefusesWhatIsMalformed(t *testing.T) {
	for _, text := range []string{
		"", "\n", "worldsetup-verify 1", "worldsetup-verify 2\nself=7 000 0.1\nself-answer=\nend",
		"worldsetup-verify 1\nself=7 000 0.1\n",
		"worldsetup-verify 1\nend", "worldsetup-verify 1\nroot=7 000 0.1\nroot-answer=\nend",
		"worldsetup-verify 1\nself=\nself-answer=\nend",
		"worldsetup-verify 1\nself=seven 000 0.1\nend", "worldsetup-verify 1\nself=7 none 0.1\nend",
		"worldsetup-verify 1\nself=7 000 soon\nend",
		"worldsetup-verify 1\nself-answer={}\nself=0 200 0.1\nend",
		"worldsetup-verify 1\nself=0 200 0.1\nnobody=0 200 0.1\nend",
		"worldsetup-verify 1\nself=0 200 0.1\nsudo: unable to resolve host\nend",
		"worldsetup-verify 1\nself=0 200 0.1\n\nend",
	} {
		if verified, err := ParseVerified(Reply{Stdout: []byte(text)}, Self); err == nil {
			t.Errorf("%q was taken: %+v", text, verified)
		}
	}
}

func TestAnswered(t *testing.T) {
	const good = `{"version": "v1", "features": ["x"], "backend": "world-agent", "platform": "linux", "news": 1}`
	for _, c := range []struct{ line, body, why string }{
		{"0 200 0.01", good, ""},
		{"7 000 0.01", "", "could not connect to /run/substrate.sock"},
		{"28 000 10.0", "", "no answer came in time"},
		{"52 000 0.01", "", "curl exit status 52"},
		{"127", "", "curl is missing"},
		{"127 ", "", "curl is missing"},
		{"0 500 0.01", good, "HTTP status 500"},
		{"0 200 0.01", "<html>\x1b[2J", `"<html>\x1b[2J"`},
		{"0 200 0.01", strings.Repeat("hello ", 1000), "hello hello \" ("},
		{"0 200 0.01", strings.Replace(good, `"x"`, "\"x\nself-answer=x\"", 1), ""},
		{"63 200 0.01", "", "more than 1 MiB"},
		{"0 200 0.01", `{"version": "v1", "backend": "nginx"}`, `backend "nginx"`},
		{"0 200 0.01", `{"backend": "world-agent"}`, `version ""`},
		{"0 200 0.01", "", "something else than the JSON"},
	} {
		verified, err := ParseVerified(Reply{Stdout: []byte("worldsetup-verify 1\nself=" + c.line + "\nself-answer=" +
			c.body + "\nend\n")}, Self)
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		ok, why := verified.Answers[Self].Answered(layout.AgentV1)
		if ok != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s %s: %v, %q", c.line, c.body, ok, why)
		}
	}
}

func FuzzParseVerified(f *testing.F) {
	f.Add(recorded(f, "verified.txt"))
	f.Add("worldsetup-verify 1\nself=\nend")
	f.Fuzz(func(t *testing.T, text string) {
		verified, err := ParseVerified(Reply{Stdout: []byte(text)}, Self)
		if (verified == nil) == (err == nil) {
			t.Errorf("%v, %v", verified, err)
		}
		if verified != nil {
			verified.Answers[Self].Answered(layout.AgentV1)
		}
	})
}
