// Package rpc calls functions on the callers of other nodes, on the port and with the
// credentials of protoactor's remote. What changes is where a call goes, not how it is written: the same
// pendings, groups, cancellation, deadlines and spans as in one process.
//
//	stop, err := rpc.Start(system, "10.0.0.7:4242")
//	err = rpc.Handle(system, "buy", func(ctx context.Context, o Order) (Receipt, error) { ... })
//
// and on another node
//
//	p := rpc.Call[Order, Receipt](ctx, system, rpc.At("10.0.0.7:4242", "callers/shop"), "buy", order)
//	receipt, err := p.Wait(ctx)
//
// # Semantics
//
// A function runs as any function of the target: on its turn, in the order in
// which calls have come, with a context in which [actors.Current] finds it. It
// runs at most once: a call that may have run is not made again. Small calls pass
// large ones on their way.
//
// Calls go in a session, which is one stream from the node that calls to the one that
// serves: PROTOCOL.md says what is in it. The answers come back on the same stream, so
// that no connection the other way is needed, and no answer is lost without the session.
// Both nodes learn of its end, and find out within 15 seconds if the other one is
// silent. Then the calls of the session end, and their functions are cancelled. The next
// call begins another session.
//
// With [Idempotent] a call has a key, and is made again until it has an answer or
// its deadline ends it. The target's node remembers, by function, caller or
// identity, and key, what calls with a key have ended with, for as long and in as
// much memory as [DedupWindow] says, so that the function runs once for all attempts.
// The limits of that: a node that ends forgets, and another node, where the caller may be by
// then, knows nothing. In both cases the function may run again, as it may when a
// stop or a cancellation has interrupted it. What must not happen twice even then
// is written in one transaction with its [Key]. Whoever may call the function and
// knows the key gets the result: [Authorize] is asked about each attempt, but not
// which node has made the first one.
//
// What is left until the deadline travels with the call, so that clocks need not
// agree. A cancellation overtakes what is queued on the target: a queued call
// never runs, one that runs sees its context end with the cause. The pending does
// not wait for that.
//
// Every call ends: with the function's result or error; with
// [ErrUnknownFunction], [ErrNoCaller], [ErrNoMember], [ErrActivation] or [ErrDenied]; with [actors.ErrOverloaded]
// if a limit of the target, or [MaxOpen] or [MaxOpenBytes] on either side, is
// reached; with
// [pending.ErrStopped] if the target is stopped; with [ErrNodeDown] at once when
// the session with the node ends or none can be had, a node that falls silent
// being found out within 15 seconds. Then it is not known whether the function
// has run, unless the node cannot know of the call. When the node that has called is lost
// its functions are cancelled, but those of calls with a key. An answer that comes too
// late is dropped, and counted: see [StatsOf].
//
// Errors keep their identity: a [*RemoteError] matches what the original matched,
// of the errors of this package, of packages pending, actors and context, and of
// those that [RegisterError] knows on both sides. A panic arrives with its stack
// and node, as a [*pending.PanicError] for errors.As.
//
// # Streams
//
// A function that [HandleStream] has registered has many results, which a loop
// over [Stream] gets one by one:
//
//	for line, err := range rpc.Stream[Query, Line](ctx, system, target, "search", query) { ... }
//
// It is one call, with one deadline and one trace, that runs as far ahead of the
// loop as its [Window] says, and then waits without its turn. Leaving the loop
// cancels it. What was said of calls holds for it; items that have come before a
// failure are handed out first.
//
// # Cluster
//
// In a cluster of protoactor's the target is not a node but an identity of a
// [Kind], which is a caller with a state of its own wherever the cluster puts it,
// or the workers of all members of a [PoolKind]. What changes is the target alone:
//
//	remote, err := rpc.RemoteConfig(system, "10.0.0.7:0")
//	carts, err := rpc.Kind(system, "cart", loadCart, rpc.Passivated(saveCart))
//	hashers, err := rpc.PoolKind(system, "hash", props.MaxWorkers(8))
//	c := cluster.New(system, cluster.Configure("shop", provider, disthash.New(), remote,
//		cluster.WithKinds(carts, hashers)))
//	leave, err := rpc.Join(system, c)
//
//	p := rpc.Call[Order, Receipt](ctx, system, rpc.Identity(c, "cart", "alice"), "buy", order)
//	q := rpc.Call[File, Sum](ctx, system, rpc.Pool(c, "hash"), "sum", file)
//
// A call that has not run, because its node has left or its identity lives
// elsewhere by now, goes there. One that may have run fails with [ErrNodeDown] if
// its node dies; give it a key with [Idempotent] to have it made again.
//
// # Encoding
//
// Messages of protobuf travel as such, everything else as JSON, or as the [Codec]
// of [Encoding] says. Types are never sent by protoactor itself, which ends a
// process that receives one it does not know. Arguments and results may be no
// larger than [MaxSize]; the limits of gRPC are set so that it holds.
//
// # Safety
//
// Only what [Handle] has registered can be called, and with [Authorize] only what it allows. No
// message from outside controls a caller, or one of protoactor's own actors. Other actors of the
// program are reached as far as [Expose] says: by default whoever can connect can send messages
// to them, and stop them. On a network that is not trusted use [MutualTLS]. THREATS.md says who
// can do what without TLS, with it, and with a stolen certificate.
package rpc
