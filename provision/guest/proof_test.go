package guest

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseProof(t *testing.T) {
	proof, err := ParseProof(Reply{Stdout: []byte(recorded(t, "proof.txt"))}, Self, Root, Outsider)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"/home/ada", "/src"}; !reflect.DeepEqual(proof.Mounted, want) {
		t.Errorf("mounted %q, want %q", proof.Mounted, want)
	}
	for _, who := range []string{Self, Root} {
		answer := proof.Answers[who]
		if ok, why := answer.Answered(); !ok || answer.Status != 200 || answer.Took <= 0 || answer.Took > time.Second {
			t.Errorf("%s: %+v, %s", who, answer, why)
		}
	}
	if answer := proof.Answers[Outsider]; !answer.Refused() || answer.Body != "" {
		t.Errorf("outsider: %+v", answer)
	}
}

func TestParseProofRefusesWhatIsMalformed(t *testing.T) {
	for _, text := range []string{
		"", "\n", "worldsetup-prove 1", "worldsetup-prove 2\nself=7 000 0.1\nself-answer=\nend",
		"worldsetup-prove 1\nself=7 000 0.1\n",
		"worldsetup-prove 1\nend", "worldsetup-prove 1\nroot=7 000 0.1\nroot-answer=\nend",
		"worldsetup-prove 1\nself=\nself-answer=\nend",
		"worldsetup-prove 1\nself=seven 000 0.1\nend", "worldsetup-prove 1\nself=7 none 0.1\nend",
		"worldsetup-prove 1\nself=7 000 soon\nend",
		"worldsetup-prove 1\nself-answer={}\nself=0 200 0.1\nend",
		"worldsetup-prove 1\nself=0 200 0.1\nnobody=0 200 0.1\nend",
		"worldsetup-prove 1\nself=0 200 0.1\nsudo: unable to resolve host\nend",
		"worldsetup-prove 1\nself=0 200 0.1\n\nend",
	} {
		if proof, err := ParseProof(Reply{Stdout: []byte(text)}, Self); err == nil {
			t.Errorf("%q was taken: %+v", text, proof)
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
		{"0 200 0.01", "<html>", "something else than JSON"},
		{"0 200 0.01", `{"version": "v1", "backend": "nginx"}`, `backend "nginx"`},
		{"0 200 0.01", `{"backend": "world-agent"}`, `version ""`},
		{"0 200 0.01", "", "something else than JSON"},
	} {
		proof, err := ParseProof(Reply{Stdout: []byte("worldsetup-prove 1\nself=" + c.line + "\nself-answer=" +
			c.body + "\nend\n")}, Self)
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		ok, why := proof.Answers[Self].Answered()
		if ok != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s %s: %v, %q", c.line, c.body, ok, why)
		}
	}
}

func FuzzParseProof(f *testing.F) {
	f.Add(recorded(f, "proof.txt"))
	f.Add("worldsetup-prove 1\nself=\nend")
	f.Fuzz(func(t *testing.T, text string) {
		proof, err := ParseProof(Reply{Stdout: []byte(text)}, Self)
		if (proof == nil) == (err == nil) {
			t.Errorf("%v, %v", proof, err)
		}
		if proof != nil {
			proof.Answers[Self].Answered()
		}
	})
}
