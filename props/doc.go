// Package props describes callers: it has the options of actors.New,
// actors.Start, actors.AsCaller, actors.Defaults and Caller.Child.
//
//	thumbnails, err := c.Child(
//		props.Name("thumbnails"),
//		props.MaxWorkers(4),
//		props.MaxQueued(1000),
//		props.Supervision(supervision.Restart(supervision.MaxRestarts(3, time.Minute))),
//		props.StopTimeout(10*time.Second),
//	)
//
// # Options and inheritance
//
// An [Option] sets one property of a caller. If an option is given twice the
// last one counts. A child inherits from its parent what its own options leave
// open. The name, the protection, the host, and the functions of [OnStart] and
// [OnStop] are not inherited.
//
// A value that makes no sense is an error from the function that was given the
// option. The error names the option and the value. All wrong options are
// reported together.
//
// # Where functions run
//
// Functions run on goroutines by default. [Backend] with [Thread] runs them on
// one OS thread, for libraries that require it. [HostedBy] runs them on the
// loop of other code, for example that of a GUI. [ChannelHost] makes a host of
// a channel.
//
// # Start and end
//
// [OnStart] makes what the functions of a caller share: before its calls, and
// again after each restart. [OnStop] closes it. [Publisher] opens a publication
// for each caller, and closes it in the end.
//
// # The names you need
//
// [Name], [Supervision] and [Logger] for most callers. [OnStart] and [OnStop] for
// what they share. [MaxWorkers], [MaxQueued] and [StopTimeout] for limits. [Backend] or [HostedBy] only for
// code that needs a certain thread. [Config] is for package actors.
//
// # Limits
//
// The options of a caller do not change after it was made. The Go runtime ends
// a process that needs more than 10 000 threads. Each caller with [Thread], and
// each of its workers, has one.
package props
