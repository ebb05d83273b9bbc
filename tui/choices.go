package tui

// Choices are what a person can choose. An empty one means: as it is, or the default of a new VM.
type Choices struct {
	Project string // a directory
	Agent   string // a file, provision.AgentBuiltin, or empty for the project's own
	Size    string // a named size; empty when its parts say it
	CPUs    string
	Memory  string
	Disk    string
}

// Field names one of the choices.
type Field string

// The fields.
const (
	FieldProject Field = "project"
	FieldAgent   Field = "agent"
	FieldSize    Field = "size"
	FieldCPUs    Field = "cpus"
	FieldMemory  Field = "memory"
	FieldDisk    Field = "disk"
)

// The named sizes.
const (
	SizeDefault = "default"
	SizeDev     = "dev"
)

// Note is what is to be said about a choice.
type Note struct {
	Wrong bool
	Text  string
}

// Verdict is what choices come to.
type Verdict map[Field]Note

// fine says whether the choices can be taken.
func (v Verdict) fine() bool {
	for _, note := range v {
		if note.Wrong {
			return false
		}
	}
	return true
}
