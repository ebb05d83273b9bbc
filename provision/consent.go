package provision

import (
	"fmt"

	"al.essio.dev/pkg/shellescape"
)

// needsConsent is the error of a plan that does away with a VM, to which nobody has consented.
func needsConsent(plan Plan, command, flag string) *Error {
	var why string
	for _, step := range plan.Steps {
		if step.Destroys {
			why = fmt.Sprintf("the step %q destroys a VM and all that is in it", step.Title)
		}
	}
	if why == "" {
		why = "programs that run in it would be stopped"
	}
	return &Error{
		Kind: KindReplacement, What: fmt.Sprintf("nobody has consented to doing away with the VM %s as it is", plan.VM), Why: why,
		Next: "if that is what you want: " + consentCommand("worldsetup "+command, flag, plan.VM),
	}
}

// consentCommand is the command with the flag by which somebody consents to doing away with the VM.
func consentCommand(command, flag, vm string) string {
	if vm != DefaultVM {
		command += " --vm " + shellescape.Quote(vm)
	}
	return command + " " + flag + "=" + shellescape.Quote(vm)
}
