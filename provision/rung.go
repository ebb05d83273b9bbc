package provision

// Rung is how deep a step cuts: the ladder's rungs, the cheapest first. One is climbed only when no lower one cures.
type Rung string

// The rungs, in order.
const (
	RungLive       Rung = "live"       // something is rewritten; whatever runs goes on
	RungUnit       Rung = "unit"       // the agent's socket and service are restarted
	RungConnection Rung = "connection" // Lima's shared ssh connection is made anew; mounts and what runs over the old one stay
	RungRestart    Rung = "vm-restart" // the VM is stopped in good order and started
	RungForce      Rung = "vm-force"   // the VM's power is taken away before it is started
	RungReplace    Rung = "replace"    // another VM
)

var rungs = []Rung{"", RungLive, RungUnit, RungConnection, RungRestart, RungForce, RungReplace}

// height is the place of a rung on the ladder; a rung that is unknown, or none, stands on the ground.
func (r Rung) height() int {
	for height, rung := range rungs {
		if r == rung {
			return height
		}
	}
	return 0
}

// Above says that r cuts deeper than other.
func (r Rung) Above(other Rung) bool { return r.height() > other.height() }

// Rung is the highest rung that the plan climbs; empty for a plan that changes nothing, or makes a new VM.
func (p Plan) Rung() (highest Rung) {
	if len(p.Replace) > 0 {
		return RungReplace
	}
	for _, step := range p.Steps {
		if step.Rung.Above(highest) {
			highest = step.Rung
		}
	}
	return highest
}
