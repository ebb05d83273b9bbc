package layout

// ToolWarm and ToolBroker are the system's own tools that make VMs in which a world is.
const (
	ToolWarm   = "lima-warm.sh"
	ToolBroker = "the signed broker of Substrate"
)

// BrokerVariables are set in the service unit of a VM whose life belongs to the broker. A unit that was rendered
// without one has them too, and empty.
var BrokerVariables = []string{"SUBSTRATE_INSTALL_HOST_CONTEXT_COMMITMENT", "SUBSTRATE_LIMA_HOST_PLATFORM_CONTROL_ROOT"}
