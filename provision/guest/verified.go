package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// The users that the script "verify" asks as.
const (
	Self     = "self"     // the user of the session, without sudo
	Root     = "root"     // through sudo
	Outsider = "outsider" // the user nobody
)

// Verified is the result of the script "verify".
type Verified struct {
	Answers map[string]Answer // by user: Self, Root, Outsider
	Mounted []string          // of the mount points asked for, those at which something is mounted
}

// Answer is the result of asking the agent for its capabilities.
type Answer struct {
	// Exit is curl's exit status: 0 when there was an HTTP answer, 7 when it could not connect, 28 on time-out.
	Exit   int
	Status int           // of HTTP; 0 without an answer
	Took   time.Duration // from connecting to the end of the answer
	Body   string        // at most 1 MiB, on one line
}

// Exit statuses of curl, see curl(1). Of the last one the script makes use itself.
const (
	couldNotConnect = 7
	timedOut        = 28
	tooLong         = 63
)

// Refused reports that the socket could not be connected to.
func (a Answer) Refused() bool { return a.Exit == couldNotConnect }

// Misanswered reports that something answered which is no world agent, or none that is of use: nothing but another
// agent changes that.
func (a Answer) Misanswered(by layout.Layout) bool {
	ok, _ := a.Answered(by)
	return !ok && (a.Exit == 0 || a.Exit == tooLong)
}

// Answered reports that an agent of a layout answered with its capabilities; if not, why explains.
func (a Answer) Answered(by layout.Layout) (ok bool, why string) {
	switch {
	case a.Refused():
		return false, "could not connect to " + SocketPath
	case a.Exit == timedOut:
		return false, "connected, and no answer came in time"
	case a.Exit == tooLong:
		return false, "it answered with more than 1 MiB"
	case a.Exit == 127 || a.Exit == 126:
		return false, "curl is missing in the guest"
	case a.Exit != 0:
		return false, fmt.Sprintf("connected, and got no HTTP answer (curl exit status %d)", a.Exit)
	}
	if _, err := ParseCapabilities(by, a.Status, []byte(a.Body)); err != nil {
		return false, err.Error()
	}
	return true, ""
}

// Capabilities is the answer to GET /v1/capabilities. Fields that are not known here are left out.
type Capabilities struct {
	Version  string   `json:"version"`
	Features []string `json:"features"`
	Backend  string   `json:"backend"`
	Platform string   `json:"platform"`
}

// ParseCapabilities reads the answer to GET /v1/capabilities and reports what is wrong with it if it is not one of a
// layout's agent.
func ParseCapabilities(of layout.Layout, status int, body []byte) (Capabilities, error) {
	var capabilities Capabilities
	if status != 200 {
		return capabilities, fmt.Errorf("it answered with HTTP status %d, expected 200", status)
	}
	if err := json.Unmarshal(body, &capabilities); err != nil {
		return capabilities, fmt.Errorf("it answered with something else than the JSON of a world agent: %.60q (%w)", body,
			err)
	}
	if capabilities.Version == "" || capabilities.Backend != of.Backend {
		return capabilities, fmt.Errorf("what answered is not a world agent: version %q, backend %q",
			capabilities.Version, capabilities.Backend)
	}
	return capabilities, nil
}

// ParseVerified reads what the script "verify" printed for those asked as. As with [ParseObservation], anything
// unexpected is an error.
func ParseVerified(reply Reply, who ...string) (*Verified, error) {
	lines, err := body(reply.Stdout, "worldsetup-verify 1")
	if err != nil {
		return nil, err
	}
	verified := &Verified{Answers: map[string]Answer{}}
	for _, line := range lines {
		key, value, _ := strings.Cut(line, "=")
		err := error(nil)
		if isAnswer(key) {
			err = addAnswer(verified.Answers, key, value)
		} else if key == "mounted" {
			verified.Mounted = append(verified.Mounted, value)
		} else {
			err = errors.New("its key is unknown")
		}
		if err != nil {
			return nil, fmt.Errorf("the guest's answers have a bad line %q: %w", line, err)
		}
	}
	return verified, lacksAnswer(verified.Answers, who)
}

// isAnswer reports whether a line with this key is one that ask.sh prints.
func isAnswer(key string) bool {
	who := strings.TrimSuffix(key, answerSuffix)
	return who == Self || who == Root || who == Outsider
}

// answerSuffix follows the name of who asked in the key of a part of the answer.
const answerSuffix = "-answer"

// addAnswer adds a line that ask.sh printed: how asking ended, or after that a part of the answer.
func addAnswer(answers map[string]Answer, key, value string) (err error) {
	who, isBody := strings.CutSuffix(key, answerSuffix)
	answer, known := answers[who]
	switch {
	case answers == nil:
		return errors.New("no one asked")
	case !isBody:
		answer, err = parseAnswer(value)
	case !known:
		return errors.New("it comes before how asking ended")
	default:
		answer.Body += value
	}
	answers[who] = answer
	return err
}

// lacksAnswer is the error of someone who should have asked, and of whom nothing was reported.
func lacksAnswer(answers map[string]Answer, who []string) error {
	for _, name := range who {
		if _, found := answers[name]; !found {
			return fmt.Errorf("the guest's answers lack %q", name)
		}
	}
	return nil
}

// parseAnswer reads "EXIT STATUS SECONDS". Without curl there is only EXIT.
func parseAnswer(value string) (Answer, error) {
	fields := strings.Fields(value)
	if len(fields) == 0 {
		return Answer{}, fmt.Errorf("it is empty")
	}
	exit, err := strconv.Atoi(fields[0])
	if err != nil || len(fields) != 3 {
		return Answer{Exit: exit}, err
	}
	status, err := strconv.Atoi(fields[1])
	if err != nil {
		return Answer{}, err
	}
	seconds, err := strconv.ParseFloat(fields[2], 64)
	return Answer{Exit: exit, Status: status, Took: time.Duration(seconds * float64(time.Second))}, err
}
