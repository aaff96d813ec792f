// Package rpc calls functions by their names on the callers of other nodes. It uses the port and
// the credentials of protoactor's remote. The way of a call changes, and not how it is written:
// pendings, groups, cancellation, deadlines and spans are those of one process.
//
//	stop, err := rpc.Start(system, "10.0.0.7:4242") // on both nodes, each with its address
//	defer stop()
//
//	shop, err := actors.Start(system, props.Name("shop")) // on the node that serves
//	err = rpc.Handle(system, "buy", buy)                  // func(context.Context, Order) (Receipt, error)
//
//	target := rpc.At("10.0.0.7:4242", shop.ID()) // on the node that calls: address and id
//	p := rpc.Call[Order, Receipt](ctx, system, target, "buy", order)
//	receipt, err := p.Wait(ctx)
//
// README.md, beside the code, is a guide.
//
// # Where a function runs
//
// A function runs like any function of the target: on its turn, in the order in which calls have
// come, with a context in which [actors.Current] finds the target. Small calls pass large ones on
// their way. A target in the same process takes no wire.
//
// The rest of the deadline travels with the call, so clocks need not agree. A cancellation
// overtakes what is queued on the target: a queued call never runs, and the context of a running
// function ends with the cause. The pending does not wait for that.
//
// # Sessions
//
// Calls go in a session: one stream from the node that calls to the one that serves. Answers come
// back on the same stream, so no connection the other way is needed. No answer is lost without the
// session. Both nodes learn of its end, and notice within 15 seconds that the other one is silent.
// Then the calls of the session end, and their functions are cancelled. The next call begins another
// session. PROTOCOL.md says what is sent.
//
// # How often a function runs
//
// A function runs at most once: a call that may have run is not made again.
//
// With [Idempotent] a call has a key. It is made again until it has an answer, or its context ends.
// The node of the target knows such a call by its function, its caller or identity, and the
// key. It remembers how the call has ended. [DedupWindow] says for how long, and in how much memory.
// So the function runs once for all attempts.
//
// That has limits. A node that ends forgets. Another node, where the caller may be by then, knows
// nothing. A stop or a cancellation may have interrupted the function. In these cases it may run
// again. What must not happen twice even then is written together with its [Key], in one transaction.
//
// Whoever may call the function and knows the key gets the result. [Authorize] is asked about each
// attempt, but not which node has made the first one.
//
// # Errors
//
// Every call ends. Its error matches:
//
//   - what the function returned, or a [*pending.PanicError] if it panicked;
//   - [ErrUnknownFunction], [ErrNoCaller], [ErrNoMember] or [ErrActivation] if nothing can run it;
//   - [ErrDenied] if [Authorize] does not permit it;
//   - [ErrTooLarge] or [ErrEncoding] if a value cannot travel;
//   - [actors.ErrOverloaded] at a limit of the target, or of either node;
//   - [pending.ErrStopped] if the target, or this node, is stopped;
//   - [ErrExpelled] or [ErrLeaseLost] if the node may not have the identity any more whose function
//     it has cancelled;
//   - [ErrNodeDown] if the session has ended or none can be had, and [ErrUncertain] as well if the
//     function may have run.
//
// Errors keep their identity: a [*RemoteError] matches what the original matched. That goes for the
// errors of this package and of packages pending, actors and context. It also goes for those that
// [RegisterError] knows on both nodes. A panic arrives with its stack and its node.
//
// If the node that has called is lost, its functions are cancelled, but not those of calls with a
// key. An answer that comes too late is dropped, and counted in [StatsOf].
//
// # Streams
//
// A function of [HandleStream] has many results. A loop over [Stream] gets them one by one:
//
//	for line, err := range rpc.Stream[Query, Line](ctx, system, target, "search", query) { ... }
//
// It is one call, with one deadline and one trace. The function runs as far ahead of the loop as
// [Window] says, and then waits without its turn. Leaving the loop cancels it. Items that have come
// before a failure are yielded first. On a pool the worker runs other calls while the function waits.
//
// # Circles of waits
//
// Functions of several nodes may come to wait for each other, each with its turn or its worker. Of
// such a circle the wait that began last ends with [pending.ErrDeadlock]. The error names the nodes
// and callers. It takes two to three seconds: a node whose function has waited for a call for one
// second asks the others. Quick calls cost nothing. A circle may lead through callers, identities,
// workers of pools, and streams in both directions.
//
// A wait for one of several calls is part of a circle if none of them can end: that of [pending.Any],
// or of a call that needs any worker of a pool. So is a wait for all of several calls if one of them
// cannot end. Such circles may take some seconds longer.
//
// A wait that may end by itself is left alone, as in one process. A circle that leads through a node
// of an older version is not seen. One with waits for one of several calls needs version 5 of the
// protocol on all of its nodes. It is not seen either if a function waits for more than 64 calls, or
// if it needs calls in more than eight ways.
//
// # Clusters
//
// In a cluster of protoactor the target is an identity of a [Kind], or the pool of a [PoolKind]. An
// identity is a caller with a state of its own, on the member that the cluster chooses. A pool is
// the workers of all members.
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
// A call that has not run goes to where its target is now: its node may have left, or its identity
// may live elsewhere. A call that may have run fails with [ErrNodeDown] if its node dies. Give it a
// key to have it made again.
//
// A member that was frozen or cut off for longer than its lease is [Expelled]. [RunMember] starts
// another one in its place. While members come and go two nodes may have the same identity. With
// [SingleOwner] each has one owner, and [Fence] is what its writes are checked with.
//
// # Encoding
//
// Messages of protobuf travel as such, and all other values as JSON, or as the [Codec] of [Encoding]
// says. Types are never sent by protoactor itself, which ends a process that receives an unknown one.
//
// # Safety
//
// Only what [Handle] and [HandleStream] have registered can be called, and only what [Authorize]
// allows. No message from outside controls a caller, or one of protoactor's own actors. Other actors
// are reached as far as [Expose] says: by default any peer can send messages to them, and stop them.
// Use [MutualTLS] on a network that is not trusted. THREATS.md says who can do what.
//
// [Inspectable] lets the pages of package telemetry/inspect on other nodes show this one.
//
// # The names you need
//
// [Start] on each node, [Handle] where functions run, [Call] and [At] where they are called.
// [RegisterError] for errors that callers distinguish. [Idempotent] for calls that are made again.
// [HandleStream] and [Stream] for many results. [MutualTLS] and [Authorize] for networks that are not
// trusted. In a cluster [RemoteConfig], [Kind] or [PoolKind], [RunMember], [Identity] and [Pool].
// [SingleOwner] and [Fence] for identities that write to a store.
//
// # Limits
//
// A function is called by its name: closures do not travel, nor do the values of a context, but for
// the trace. Arguments, results and items are limited by [MaxSize], open calls by [MaxOpen] and
// [MaxOpenBytes]. Without [SingleOwner] two nodes may have the same identity for a while.
package rpc
