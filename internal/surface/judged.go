package surface

// described is the reason of what package actors reads of a caller's options.
const described = "an Option is a function of Config, which says that it is for package actors"

// Judged are the names that are found, with the reason why they are exported.
var Judged = map[string]string{
	"actors.OnWorker":                "asks what ToThread does of Schedule, Call and Do",
	"actors.StateStopping":           "a state that Caller.State returns",
	"actors/actorstest.Network.Dial": "is given to package rpc by a test; its result is used by that alone",
	"actors/rpc.OwnerStore":          "programs may have a store of their own",
	"pending.Manager":                "the type of what NewManager returns",
	"pending.ObservedBy":             "gives a pending of New a span of a Telemetry",
	"pending.Option":                 "the type of the options of New",
	"pending.TrackedBy":              "limits who sees a pending of New",
	"props.Config":                   described,
	"props.Config.Differs":           described,
	"props.Config.HostName":          described,
	"props.Config.WorkerLimit":       described,
	"props.EndingHost":               "programs implement it for hosts that end",
	"supervision.Action":             "what a Policy says",
	"supervision.ActionCapture":      "a value of Action",
	"supervision.ActionEscalate":     "a value of Action",
	"supervision.ActionStop":         "a value of Action",
	"supervision.Policy.Action":      "tells what a policy does",
	"supervision.Record.DecideWith":  "makes the delays of a policy with Jitter known, in its tests",
	"telemetry.Option":               "the type of the options of New",
	"telemetry.SpanIDLog":            "programs look for the attribute in logs",
	"telemetry.TraceIDLog":           "programs look for the attribute in logs",
	"telemetry.Telemetry.Named":      "gives the span of a group or loop a name",
	"telemetry.Telemetry.Observe":    "makes a Telemetry an argument of pending.ObservedBy and its like",
	"telemetry/inspect.Call":         "what Take returns",
	"telemetry/inspect.Caller":       "what Take returns",
	"telemetry/inspect.Snapshot":     "what Take returns",
	"telemetry/inspect.Version":      "what Take returns",
}
