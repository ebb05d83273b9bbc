package lima

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// answer is a Runner with one answer, which keeps what it was asked.
type answer struct {
	result Result
	err    error
	asked  []Command
}

func (a *answer) Run(_ context.Context, command Command) (Result, error) {
	a.asked = append(a.asked, command)
	return a.result, a.err
}

func TestVersion(t *testing.T) {
	for text, want := range map[string]string{
		"limactl version 2.1.4\n": "2.1.4", "limactl version v2.0.0": "2.0.0",
		"limactl version 2.1.4-3-gabc123.m": "2.1.4-3-gabc123.m",
	} {
		version, err := Client{Runner: &answer{result: Result{Stdout: []byte(text)}}}.Version(t.Context())
		if err != nil || version.String() != want {
			t.Errorf("%q: %v, %v", text, version, err)
		}
	}
	for _, text := range []string{
		"", "\n", "limactl version", "limactl version <unknown>", "limactl version 2.1", "lima 2.1.4",
		"limactl version 2.1.4 extra",
		"limactl version 2.1.4\nlimactl version 2.1.4", strings.Repeat("x", 1<<20),
	} {
		version, err := Client{Runner: &answer{result: Result{Stdout: []byte(text)}}}.Version(t.Context())
		if err == nil {
			t.Errorf("%.80q was read as %v", text, version)
		} else if len(err.Error()) > 300 {
			t.Errorf("%.80q: a message of %d bytes", text, len(err.Error()))
		}
	}
}

// TestUnreleasedVersion: a build of no release works like others.
func TestUnreleasedVersion(t *testing.T) {
	for text, want := range map[string]string{
		"limactl version HEAD-1a2b3c4\n": "HEAD-1a2b3c4", "limactl version <unknown>\n": "<unknown>",
		"limactl version 1a2b3c4.m\n": "1a2b3c4.m", "limactl version HEAD-\n": "", "limactl version head\n": "",
	} {
		_, err := Client{Runner: &answer{result: Result{Stdout: []byte(text)}}}.Version(t.Context())
		build, ok := errors.AsType[*UnreleasedError](err)
		if ok != (want != "") || ok && build.Version != want {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestFind(t *testing.T) {
	const list = `{"name":"other","status":"Running"}
{"name":"substrate","status":"Broken","dir":"/d","errors":["host agent is running but driver is not"],` +
		`"news":{"of":"Lima 3"}}
`
	runner := &answer{result: Result{Stdout: []byte(list)}}
	instance, err := Client{Runner: runner}.Find(t.Context(), "substrate")
	if err != nil || instance == nil || instance.Status != limatype.StatusBroken || len(instance.Errors) != 1 {
		t.Errorf("%+v, %v", instance, err)
	}
	all := []string{"list", "--format", "json", "--log-level", "error"}
	alone := append(slices.Clone(all), "substrate")
	if len(runner.asked) != 1 || !slices.Equal(runner.asked[0].Args, alone) {
		t.Errorf("asked for more than the one: %v", runner.asked)
	}
	runner = &answer{}
	if instance, err := (Client{Runner: runner}).Find(t.Context(), "substrate"); instance != nil || err != nil ||
		len(runner.asked) != 2 || !slices.Equal(runner.asked[1].Args, all) {
		t.Errorf("%+v, %v, asked %v: that there is none must be in a list of all", instance, err, runner.asked)
	}
	for _, text := range []string{"", "\n", list} {
		instance, err := Client{Runner: &answer{result: Result{Stdout: []byte(text)}}}.Find(t.Context(), "subst")
		if instance != nil || err != nil {
			t.Errorf("%q: %+v, %v", text, instance, err)
		}
	}
	for _, text := range []string{"<html>", "{", `{"name":3}`, "[]", "NAME STATUS\n", `{"name":"other"} trailing`} {
		if instance, err := (Client{Runner: &answer{result: Result{Stdout: []byte(text)}}}).Find(t.Context(),
			"substrate"); err == nil {
			t.Errorf("%q was read: %+v", text, instance)
		}
	}
}

// TestFindAmongOthers finds an instance beside whatever else stands in the list.
func TestFindAmongOthers(t *testing.T) {
	const ours = `{"name":"substrate","status":"Stopped","dir":"/d"}` + "\n"
	for name, other := range map[string]string{
		"errors of Lima 1":        `{"name":"docker","status":"Broken","errors":[{}]}`,
		"another type of a field": `{"name":"docker","status":7,"cpus":"four","config":[]}`,
		"no name":                 `{"status":"Stopped"}`,
		"the name as a number":    `{"name":3}`,
		"a wrapper's warning":     `WARNING: limactl is a wrapper {with braces}`,
		"cut off":                 `{"name":"docker","status":`,
		"several lines":           "{\n  \"name\": \"docker\",\n  \"config\": {\"name\": \"substrate\"}\n}",
		"an array":                `[{"name":"substrate"}]`,
	} {
		for _, list := range []string{other + "\n" + ours, ours + other} {
			instance, err := Client{Runner: &answer{result: Result{Stdout: []byte(list)}}}.Find(t.Context(), "substrate")
			if err != nil || instance == nil || instance.Dir != "/d" {
				t.Errorf("%s: %+v, %v", name, instance, err)
			}
		}
	}
}

// TestFindWithUnreadableParts shows the instance as far as it can be read, or fails with its name.
func TestFindWithUnreadableParts(t *testing.T) {
	find := func(list string) (*limatype.Instance, error) {
		return Client{Runner: &answer{result: Result{Stdout: []byte(list)}}}.Find(t.Context(), "substrate")
	}
	instance, err := find(`{"name":"substrate","status":"Broken","dir":"/d","errors":[{}]}`)
	if err != nil || instance.Dir != "/d" || len(instance.Errors) != 1 {
		t.Errorf("%+v, %v", instance, err)
	}
	for list, want := range map[string]string{
		`[{"Op":"open","Path":"/d/lima.yaml","Err":13}]`:         "open /d/lima.yaml: permission denied",
		`["a text",{"Op":"open","Path":"/d/lima.yaml","Err":2}]`: "a text\nopen /d/lima.yaml: no such file or directory",
		`[{"Op":"open","Path":"/d/lima.yaml","Err":{}}]`: "open /d/lima.yaml: what Lima reports as its errors " +
			"can't be read",
		`[{"Op":1},3,null]`: "what Lima reports as its errors can't be read\n" +
			"what Lima reports as its errors can't be read\nwhat Lima reports as its errors can't be read",
		`{"Op":"open"}`: "what Lima reports as its errors can't be read",
	} {
		instance, err := find(`{"name":"substrate","status":"Broken","dir":"/d","errors":` + list + `}`)
		if err != nil || instance.Dir != "/d" || errors.Join(instance.Errors...).Error() != want {
			t.Errorf("%s: %+v, %v", list, instance, err)
		}
	}
	if instance, err := find(`{"name":"substrate","cpus":"four"}`); err == nil ||
		!strings.Contains(err.Error(), "about the VM substrate") {
		t.Errorf("%+v, %v", instance, err)
	}
}

func TestWhatIsAskedOfLimactl(t *testing.T) {
	profile := []byte("images: []\n")
	line := func(string) {}
	for name, c := range map[string]struct {
		call func(ctx context.Context, client Client) error
		want string
	}{
		"create": {func(ctx context.Context, c Client) error { return c.Create(ctx, "vm", profile, line) },
			"--log-format json create --tty=false --name vm -"},
		"start": {func(ctx context.Context, c Client) error { return c.Start(ctx, "vm", line) },
			"--log-format json start --tty=false vm"},
		"stop": {func(ctx context.Context, c Client) error { return c.Stop(ctx, "vm", false, line) },
			"--log-format json stop vm"},
		"kill": {func(ctx context.Context, c Client) error { return c.Stop(ctx, "vm", true, line) },
			"--log-format json stop --force vm"},
		"delete": {func(ctx context.Context, c Client) error { return c.Delete(ctx, "vm", line) },
			"--log-format json delete --force vm"},
		"embed": {func(ctx context.Context, c Client) error { _, err := c.Embed(ctx, "/p.yaml"); return err },
			"--log-format json template copy --embed-all /p.yaml -"},
		"shell": {func(ctx context.Context, c Client) error { _, err := c.Shell(ctx, "vm", "id", "-un"); return err },
			"shell --workdir / vm id -un"},
	} {
		runner := &answer{}
		if err := c.call(t.Context(), Client{Runner: runner}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		asked := runner.asked[0]
		if have := strings.Join(asked.Args, " "); have != c.want {
			t.Errorf("%s:\nasked %s\nwant  %s", name, have, c.want)
		}
		if (asked.Line == nil) != (name == "shell" || name == "embed") ||
			(string(asked.Stdin) == string(profile)) != (name == "create") {
			t.Errorf("%s: lines or input went astray", name)
		}
	}
}

func TestStartPassesItsDeadlineToLima(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runner := &answer{}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		if err := (Client{Runner: runner}).Start(ctx, "vm", nil); err != nil {
			t.Error(err)
		}
		if have := strings.Join(runner.asked[0].Args,
			" "); have != "--log-format json start --tty=false --timeout 1m30s vm" {
			t.Errorf("asked %s", have)
		}
	})
}

// hanging is a Runner whose calls end with their context.
type hanging struct{}

func (hanging) Run(ctx context.Context, _ Command) (Result, error) {
	<-ctx.Done()
	return Result{}, context.Cause(ctx)
}

// logging is a limactl whose host agent writes to its log while it runs.
type logging struct{ path, text string }

func (l logging) Run(context.Context, Command) (Result, error) {
	file, err := os.OpenFile(l.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return Result{}, err
	}
	_, err = file.WriteString(l.text)
	return Result{}, errors.Join(err, file.Close())
}

// TestPowerCutIsNamed: Lima's driver vz powers a VM off that takes too long, and `limactl stop` ends well all the same.
// The message is that of pkg/driver/vz; one of an earlier stop does not count.
func TestPowerCutIsNamed(t *testing.T) {
	const cut = `{"level":"fatal","msg":"vz timeout while waiting for stop status","time":"2026-11-28T07:08:31Z"}` + "\n"
	const clean = `{"level":"info","msg":"[VZ] - vm state change: stopped","time":"2026-11-28T07:08:31Z"}` + "\n"
	for text, want := range map[string]bool{cut: true, clean: false} {
		home := t.TempDir()
		log := filepath.Join(home, "w", "ha.stderr.log")
		if err := errors.Join(os.Mkdir(filepath.Dir(log), 0o700), os.WriteFile(log, []byte(cut), 0o600)); err != nil {
			t.Fatal(err)
		}
		var lines []string
		client := Client{Runner: logging{log, text}, Home: home}
		if err := client.Stop(t.Context(), "w", false, func(line string) { lines = append(lines, line) }); err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(strings.Join(lines, "\n"), "powered it off"); told != want {
			t.Errorf("%s: %q", text, lines)
		}
	}
}

func TestQuestionsHaveADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := Client{Runner: hanging{}}.Find(t.Context(), "vm")
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "gave no answer within 20s") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != questionDeadline {
			t.Errorf("after %v", took)
		}
		cause := errors.New("the user pressed Ctrl-C")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		if _, err := (Client{Runner: hanging{}}).Version(ctx); !errors.Is(err, cause) {
			t.Errorf("got %v, want the caller's own reason", err)
		}
	})
}

func TestValidateLeavesNoFileBehind(t *testing.T) {
	dir := t.TempDir()
	runner := &answer{result: Result{ExitCode: 1,
		Stderr: `{"level":"fatal","msg":"failed to validate YAML file: field ` + "`images`" + ` must be set"}`}}
	err := Client{Runner: runner}.Validate(t.Context(), dir, []byte("cpus: 1\n"))
	refused, ok := errors.AsType[*CommandError](err)
	if !ok || !strings.Contains(refused.Detail(), "must be set") {
		t.Errorf("got %v", err)
	}
	path := runner.asked[0].Args[3]
	if filepath.Dir(path) != dir || filepath.Ext(path) != ".yaml" {
		t.Errorf("it asked for %s", path)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}

// TestValidateWithoutADriver: Lima 2.1 only warns of a profile that no driver of this machine takes.
func TestValidateWithoutADriver(t *testing.T) {
	const right = `{"level":"info","msg":"\"x.yaml\": OK"}` + "\n"
	for stderr, want := range map[string]string{
		right: "",
		`{"level":"warning","msg":"failed to resolve VM type for \"x.yaml\": vmType \"vz\" is not a registered driver"}` +
			"\n" + right: "not a registered driver",
	} {
		err := Client{Runner: &answer{result: Result{Stderr: stderr}}}.Validate(t.Context(), t.TempDir(), nil)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", stderr, err, want)
		}
	}
}

func TestTheDetailOfAFailure(t *testing.T) {
	for stderr, want := range map[string]string{
		"":             "",
		"\n\n":         "",
		"plain words":  "plain words",
		"one\ntwo\n\n": "two",
		`{"level":"info","msg":"a"}` + "\n" + `{"level":"fatal","msg":"b"}` + "\n" + `{"level":"info","msg":"c"}`: "b",
		`{"level":"error","msg":"a","error":"cause"}` + "\n" +
			`{"level":"warning","msg":"c"}`: "a: cause",
		`{"level":"info","msg":"[hostagent] a"}`: "a",
	} {
		failure := &CommandError{Args: []string{"start", "vm"}, ExitCode: 1, Stderr: stderr}
		if have := failure.Detail(); have != want {
			t.Errorf("%q: %q, want %q", stderr, have, want)
		}
		if message := failure.Error(); !strings.HasPrefix(message, "limactl start vm: exit status 1") ||
			!strings.HasSuffix(message, want) {
			t.Errorf("%q: %q", stderr, message)
		}
	}
}

// TestFailuresTellNoSecrets names the verb and the VM of a call, and none of the scripts and files in it.
func TestFailuresTellNoSecrets(t *testing.T) {
	const secret = "S3cretPw"
	excerpt := "[3:5] unexpected key\n   1 | cpus: 1\n   2 | provision:\n>  3 | - script: " + secret +
		"\n           ^\n   4 |   env: " + secret + "\n"
	fatal, err := json.Marshal(LogEntry{Level: "fatal", Message: "failed to load: " + excerpt})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--log-format", "json", "edit", "--tty=false", "--set", ".provision = [" + secret + "]", "vm"},
			"limactl edit vm: exit status 1"},
		{[]string{"--log-format", "json", "create", "--tty=false", "--name", "vm", "-"}, "limactl create: exit status 1"},
		{[]string{"--log-format", "json", "start", "--timeout", "1m30s", "vm"}, "limactl start vm: exit status 1"},
		{[]string{"list", "--format", "json", "--log-level", "error"}, "limactl list: exit status 1"},
		{[]string{"list", "--format", "json", "--log-level", "error", "vm"}, "limactl list vm: exit status 1"},
		{[]string{"--version"}, "limactl --version: exit status 1"},
	} {
		failure := &CommandError{Args: test.args, ExitCode: 1, Stderr: string(fatal)}
		if text := failure.Error(); text != test.want+": failed to load: [3:5] unexpected key" {
			t.Errorf("%q", text)
		}
	}
	if text := clip("limactl https://ada:"+secret+"@proxy.example/ and more", 28); strings.Contains(text, secret[:3]) {
		t.Errorf("cut off: %q", text)
	}
	_, err = Client{Runner: &answer{result: Result{Stdout: []byte("see https://ada:" + secret +
		"@proxy")}}}.Version(t.Context())
	if strings.Contains(err.Error(), secret) {
		t.Error(err)
	}
}

func TestParseLogLine(t *testing.T) {
	for line, want := range map[string]LogEntry{
		`{"level":"info","msg":"[hostagent] Waiting","time":"x"}`: {Level: "info", Message: "Waiting"},
		`{"level":"warning","msg":"a","error":"b","comment":"c"}`: {Level: "warning",
			Message: "a: b", Error: "b"},
		`time="2026-01-01T00:00:00Z" level=fatal msg="no such instance"`: {Message: `time="2026-01-01T00:00:00Z" ` +
			`level=fatal msg="no such instance"`},
		`{"level":"info"}`: {Message: `{"level":"info"}`}, `{"msg":3}`: {Message: `{"msg":3}`},
		`{broken`: {Message: "{broken"}, "": {},
	} {
		if have := ParseLogLine(line); have != want {
			t.Errorf("%s: %+v, want %+v", line, have, want)
		}
	}
}
