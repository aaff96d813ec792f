// Package props describes callers: the options given to actors.New,
// actors.Start, actors.AsCaller and Caller.Child. It builds nothing.
//
//	worker, err := parent.Child(
//		props.Name("thumbnails"),
//		props.MaxWorkers(4),
//		props.Supervision(supervision.Restart(supervision.MaxRestarts(3, time.Minute))),
//	)
//
// What the options of a child leave open is inherited from its parent, except
// for the name, the protection and the host. A value that makes no sense is an
// error from the function that was given the option, and names the option.
//
// Functions run on goroutines unless [Backend] asks for an OS thread, for
// libraries that insist on one, or [HostedBy] for a loop that somebody else owns,
// as that of a GUI. [Publisher] gives each caller something to publish to.
package props
