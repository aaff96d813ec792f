package rpc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

const (
	// inspectFunction is the name of the function of [Inspectable].
	inspectFunction = "rpc.Inspectable"
	// mostReports is how many reports a node makes at a time. longestReport is how long it
	// takes for one at most.
	mostReports   = 4
	longestReport = 10 * time.Second
	// reportReserve is what an answer needs besides the report, in bytes.
	reportReserve = 1 << 10
)

// Inspectable lets other nodes see what this one does. The pages of package
// telemetry/inspect on other nodes show its callers, identities and sessions. They also
// show the calls between nodes. They do not show arguments, results, states and keys, and
// they change nothing.
//
// [Authorize] is asked about it as about any function. [Incoming.Function] is
// "rpc.Inspectable" then, and [Incoming.Caller] is empty. The function needs no caller, and
// no turn. So a node is seen that stands still.
//
// The error is that of [Handle] if there is a function of that name, as after the first
// call. Inspectable may be called from any goroutine.
func Inspectable(system *actor.ActorSystem) error {
	n := nodeOf(system)
	return n.functions.add(inspectFunction, n.codes.of, &function{typed: Inspectable})
}

// isQuestion reports whether a call is for the function of [Inspectable].
func isQuestion(r *wire.Request) bool {
	return r.Function == inspectFunction && r.Caller == "" && r.Identity == "" && r.Window == 0 && !r.Worker
}

// runReport answers a call of the function of [Inspectable], on a goroutine of its own.
func (n *node) runReport(call *inboundCall, r *wire.Request, held int) {
	if err := n.beginReport(); err != nil {
		n.inboundBytes.give(held)
		call.reply(n.refusal(err))
		return
	}
	n.served.run()
	limit := time.Duration(min(cmp.Or(r.Timeout, uint64(longestReport)), uint64(longestReport))) //nolint:gosec // It is bounded.
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	p := pending.New[*wire.Payload](ctx, pending.Named(inspectFunction))
	call.running(p)
	p.OnDone(func(pending.Handle) {
		cancel()
		n.inboundBytes.give(held)
		call.reply(n.outcome(p, true))
	})
	go func() {
		defer n.served.stopped()
		defer n.reports.Add(-1)
		var report *wire.Payload
		var err error
		if crash := guarded(func() { report, err = n.report(ctx, &r.Argument) }); crash != nil {
			err = crash
		}
		if err != nil {
			p.SetError(err)
			return
		}
		p.SetResult(report)
	}()
}

// beginReport returns why there is no report.
func (n *node) beginReport() error {
	if !n.functions.isInspectable() {
		return fmt.Errorf("%w: %q", ErrUnknownFunction, inspectFunction)
	}
	if n.reports.Add(1) > mostReports {
		n.reports.Add(-1)
		return fmt.Errorf("%w: %d reports are being made", actors.ErrOverloaded, mostReports)
	}
	return nil
}

// report returns what the node does.
func (n *node) report(ctx context.Context, argument *wire.Payload) (*wire.Payload, error) {
	config := n.config.Load()
	asked, err := decode[*wrapperspb.BytesValue](config, argument)
	if err != nil {
		return nil, err
	}
	q, err := snapshot.DecodeQuestion(asked.GetValue())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	r := &snapshot.Report{
		Taken: time.Now(), System: &snapshot.System{ID: n.system.ID, Started: time.Now()}, Node: n.Node(q.Limit),
	}
	if process, ok := n.system.ProcessRegistry.GetLocal(snapshot.SourceID); ok {
		query := snapshot.Query{Limit: q.Limit, Ages: q.Ages, Keep: q.Filter.Keeps}
		if r.System, err = process.(snapshot.Source).Picture(ctx, query); err != nil {
			return nil, err
		}
	}
	q.Bytes = min(q.Bytes, config.maxSize-reportReserve)
	data, err := snapshot.EncodeReport(r, q)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	return config.encode(wrapperspb.Bytes(data))
}

var _ snapshot.Nodes = (*node)(nil)

// Ask implements [snapshot.Nodes].
func (n *node) Ask(ctx context.Context, address string, q snapshot.Question) snapshot.Answer {
	q = q.Bounded()
	q.Bytes = min(q.Bytes, n.config.Load().maxSize-reportReserve)
	question, err := snapshot.EncodeQuestion(q)
	if err != nil {
		return snapshot.Answer{State: snapshot.Failed, Err: err}
	}
	ctx = future.WithTurn(ctx, nil) // others may be asked on other goroutines
	type bytes = wrapperspb.BytesValue
	said, err := Call[*bytes, *bytes](ctx, n.system, At(address, ""), inspectFunction, wrapperspb.Bytes(question)).Wait(ctx)
	var report *snapshot.Report
	if err == nil {
		report, err = snapshot.DecodeReport(said.GetValue(), q, time.Now())
	}
	return snapshot.Answer{State: answerState(ctx, err), Err: err, Report: report}
}

// answerState says how a node has answered with an error.
func answerState(ctx context.Context, err error) snapshot.AnswerState {
	switch {
	case err == nil:
		return snapshot.Answers
	case errors.Is(err, ErrDenied):
		return snapshot.Denied
	case errors.Is(err, ErrUnknownFunction):
		return snapshot.Hidden
	case ctx.Err() != nil:
		return snapshot.Silent
	case errors.Is(err, ErrNodeDown):
		return snapshot.Down
	default:
		return snapshot.Failed
	}
}
