package provision

// Choices are the settings that a user can change between two plans, as text. An empty one keeps the VM's value, or
// means the default in a new VM.
type Choices struct {
	Project string // a directory
	Agent   string // a file, AgentBuiltin, or empty for the project's own
	Size    string // a named size; empty when CPUs, Memory and Disk are set
	CPUs    string
	Memory  string
	Disk    string
}

// Field names one of the choices.
type Field string

// The fields of Choices.
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

// FieldResult is the result of validating a field: an error, something to think about, or a description of its effect.
type FieldResult struct {
	Wrong, Doubtful bool
	Text            string
}

// Validation holds the results of the fields that have any.
type Validation map[Field]FieldResult

// OK reports whether no field is wrong.
func (v Validation) OK() bool {
	for _, result := range v {
		if result.Wrong {
			return false
		}
	}
	return true
}
