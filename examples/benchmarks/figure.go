package main

import (
	"fmt"
	"slices"
	"testing"
)

// figure compares a work of ours with one of a peer's.
type figure struct {
	number       int // in the project's list of bars, or from 101 on
	ours, theirs side
	bar          bar
	note         string // for the reader of the table
}

// side is one of the two works of a figure.
type side struct {
	name string
	per  int                // calls, or objects, in an operation of run
	run  func(b *testing.B) // nil where there is nobody to compare with

	measured func() measurement // in another way than by run, nil for none
}

// sizes says how large the works are that are about many calls or objects.
type sizes struct {
	batch                 int // calls before the first wait
	children              int
	fewQueued, manyQueued int
	smallTree, largeTree  int
	shortChain, longChain int
}

var fullSizes = sizes{
	batch:      1000,
	children:   100_000,
	fewQueued:  10_000,
	manyQueued: 1_000_000,
	smallTree:  1000,
	largeTree:  100_000,
	shortChain: 1000,
	longChain:  10_000,
}

// figures is the table of what is measured.
func figures(n sizes) []figure {
	call := side{name: "`Call` on an idle caller", per: 1, run: callIdle}
	soon := side{name: "`CallSoon` and `Wait`", per: 1, run: callSoon}
	calls := side{name: "1000 `CallSoon`, then wait for all", per: n.batch, run: callSoonBatch(n.batch)}
	jobs := side{name: "1000 `ToThread` through `AsCompleted`, 10 at a time", per: n.batch, run: asCompletedBatch(n.batch)}
	hops := side{name: "two unbuffered channel hops to a goroutine and back", per: 1, run: channelHops}
	request := side{name: "protoactor `RequestFuture().Result()`", per: 1, run: requestFuture}
	reenter := side{name: "protoactor `ReenterAfter(RequestFuture)`", per: 1, run: reenterAfter}
	return append([]figure{{
		number: 1,
		ours:   call,
		theirs: request,
		bar:    bar{faster: 20, allocs: 1},
	}, {
		number: 2,
		ours:   call,
		theirs: hops,
		bar:    bar{atMost: 0.8},
	}, {
		number: 3,
		ours:   side{name: "`Call`, 8 goroutines on one caller", per: callsOfMany, run: callOfMany},
		theirs: side{name: "channel hops, 8 goroutines on one server", per: callsOfMany, run: hopsOfMany},
		bar:    bar{atMost: 1},
	}, {
		number: 4,
		ours:   side{name: "`Call` in a function, on another idle caller", per: 1, run: callOnOther},
		theirs: reenter,
		bar:    bar{faster: 20},
	}, {
		number: 5,
		ours:   side{name: "`Call` in a function, on the same caller", per: 1, run: callOnSame},
		theirs: call,
		bar:    bar{atMost: 1},
	}, {
		number: 6,
		ours:   soon,
		theirs: hops,
		bar:    bar{atMost: 2},
	}, {
		number: 7,
		ours:   soon,
		theirs: request,
		bar:    bar{faster: 7, allocs: 1},
	}, {
		number: 8,
		ours:   side{name: "`CallSoon` and `Wait` in a function, on another caller", per: 1, run: waitOnOther},
		theirs: reenter,
		bar:    bar{faster: 7},
	}, {
		number: 9,
		ours:   side{name: "`CallSoon` and `Wait` in a function, on the same caller", per: 1, run: waitOnSame},
		theirs: soon,
		bar:    bar{atMost: 1},
	}, {
		number: 10,
		ours:   calls,
		theirs: side{name: "1000 protoactor `RequestFuture`, then all `Result`", per: n.batch, run: requestFutureBatch(n.batch)},
		bar:    bar{faster: 10, allocs: 1},
	}, {
		number: 11,
		ours:   calls,
		theirs: side{name: "1000 goroutines with `sync.WaitGroup.Go`", per: n.batch, run: waitGroupBatch(n.batch)},
		bar:    bar{atMost: 0.6},
	}, {
		number: 12,
		ours:   side{name: "`CallDirect`, drained", per: n.batch, run: callDirectBatch(n.batch)},
		theirs: side{name: "protoactor `Send`, drained", per: n.batch, run: sendBatch(n.batch)},
		bar:    bar{atMost: 0.6},
	}, {
		number: 13,
		ours:   side{name: "`ToThread` and `Wait`, warm pool", per: 1, run: toThread},
		theirs: side{name: "pond v2 result pool `SubmitErr().Wait()`", per: 1, run: pondSubmit},
		bar:    bar{faster: 5},
	}, {
		number: 14,
		ours:   jobs,
		theirs: side{name: "errgroup", per: n.batch, run: errgroupBatch(n.batch)},
		bar:    bar{atMost: 1},
	}, {
		number: 14,
		ours:   jobs,
		theirs: side{name: "conc result pool", per: n.batch, run: concBatch(n.batch)},
		bar:    bar{atMost: 1.2},
	}, {
		number: 14,
		ours:   jobs,
		theirs: side{name: "pond v2 result group, warm pool", per: n.batch, run: pondBatch(n.batch)},
		bar:    bar{atMost: 1.2},
	}, {
		number: 14,
		ours:   jobs,
		theirs: side{name: "ants, warm pool", per: n.batch, run: antsBatch(n.batch)},
		bar:    bar{atMost: 1.2},
	}, {
		number: 15,
		ours:   side{name: "`Queue.Put`, drained", per: n.batch, run: queueBatch(n.batch)},
		theirs: side{name: "a channel of 1024 and a goroutine, drained", per: n.batch, run: channelBatch(n.batch)},
		bar:    bar{atMost: 1.2, noAllocs: true},
	}, {
		number: 17,
		ours:   side{name: "`CallSoon` and `Wait`, no tracer", per: 1, run: callSoon, measured: inProgram(6, usual)},
		theirs: side{name: "the same, telemetry compiled out", per: 1, run: callSoon, measured: inProgram(6, without)},
		bar:    bar{atMost: 1.03, allocs: 1},
		note: "each side is a program of its own; the other one is built from sources in which the conditions for telemetry, " +
			"on the path of a call, are constants. Two programs differ by some percent for the places of their code alone.",
	}, {
		number: 17,
		ours:   side{name: "`Call` on an idle caller, no tracer", per: 1, run: callIdle, measured: inProgram(1, usual)},
		theirs: side{name: "the same, telemetry compiled out", per: 1, run: callIdle, measured: inProgram(1, without)},
		bar:    bar{atMost: 1.03, allocs: 1},
	}, {
		number: 18,
		ours:   side{name: "`CallSoon` and `Wait`, every call recorded", per: 1, run: callSoonRecorded},
		theirs: side{name: "the same without a tracer, and a bare `tracer.Start` and `span.End`", per: 1, run: callSoonAndSpan},
		bar:    bar{atMost: 1.5},
		note:   "the spans are those of the OpenTelemetry SDK, and dropped when they have ended.",
	}, {
		number: 18,
		ours:   side{name: "`CallSoon` and `Wait`, every call recorded", per: 1, run: callSoonRecorded},
		theirs: side{name: "the same without a tracer, and the same span by hand", per: 1, run: callSoonAndSpanByHand},
		bar:    bar{atMost: 1.1},
	}, {
		number: 18,
		ours:   side{name: "`CallSoon` and `Wait`, metrics without traces", per: 1, run: callSoonCounted},
		theirs: side{name: "the same without telemetry", per: 1, run: callSoon},
		bar:    bar{atMost: 1.3},
		note: "the OpenTelemetry SDK takes a call for each value of the two histograms. The two counters are added to " +
			"once for many calls.",
	}, {
		number: 18,
		ours:   side{name: "`CallSoon` and `Wait` without telemetry, and two values recorded by hand", per: 1, run: callSoonAndValues},
		theirs: side{name: "the same without telemetry", per: 1, run: callSoon},
		note:   "this is what the SDK takes for the two histograms alone: metrics cannot cost less.",
	}, {
		number: 18,
		ours:   side{name: "`CallSoon` and `Wait` without a tracer, and the same span by hand", per: 1, run: callSoonAndSpanByHand},
		theirs: side{name: "the same without a tracer, and a bare `tracer.Start` and `span.End`", per: 1, run: callSoonAndSpan},
		note:   "this is what the SDK takes for the attributes of a span.",
	}, {
		number: 19,
		ours:   side{name: "`CallSoon` and `Wait`, sampled out", per: 1, run: callSoonSampledOut},
		theirs: side{name: "the same without a tracer, and a bare span that is sampled out", per: 1, run: callSoonAndUnsampledSpan},
		bar:    bar{atMost: 1.15},
	}, {
		number: 20,
		ours:   side{name: "heap of an idle child caller", per: n.children, run: idleCallers(n.children)},
		theirs: side{name: "protoactor child actor, default mailbox", per: n.children, run: idleActors(n.children)},
		bar:    bar{atMost: 1.3},
		note:   "each has done a call, or received a message.",
	}, {
		number: 21,
		ours:   side{name: "heap of a queued pending", per: n.manyQueued, run: queuedPendings(n.manyQueued)},
		bar:    bar{bytes: 200},
	}, {
		number: 22,
		ours:   side{name: "a call, 1 000 000 queued on the caller", per: n.manyQueued, run: queueAndDrain(n.manyQueued)},
		theirs: side{name: "10 000 queued", per: n.fewQueued, run: queueAndDrain(n.fewQueued)},
		bar:    bar{atMost: 1.3},
	}, {
		number: 23,
		ours:   side{name: "stop of a caller, in a tree of 100 000", per: n.largeTree, run: stopTree(n.largeTree)},
		theirs: side{name: "in a tree of 1000", per: n.smallTree, run: stopTree(n.smallTree)},
		bar:    bar{atMost: 1.2},
		note:   fmt.Sprintf("each caller has %d children, as far as the number of callers goes.", fanOut),
	}, {
		number: 24,
		ours:   side{name: "a function, in a chain of 10 000 that wait", per: n.longChain, run: waitInChain(n.longChain)},
		theirs: side{name: "in a chain of 1000", per: n.shortChain, run: waitInChain(n.shortChain)},
		bar:    bar{atMost: 1.3},
		note:   "each function calls the next one, and waits. The last one returns when all wait.",
	}}, slices.Concat(adoptedFigures(n.batch), acrossFigures(), lookedFigures(), backendFigures(n))...)
}

// backendFigures compares the other backends with the default one. They have no
// bars. Their numbers follow those in the list of bars.
func backendFigures(n sizes) []figure {
	batch := func(on backend) func(*testing.B) { return callBatchOn(on, n.batch) }
	var figures []figure
	for _, work := range []struct {
		name string
		per  int
		on   func(backend) func(*testing.B)
	}{
		{"`CallSoon` and `Wait`", 1, callOn},
		{"1000 `CallSoon`, then wait for all", n.batch, batch},
		{"`Wait` in a function, on the same caller", 1, waitOn},
		{"`Wait` in a function, on another caller", 1, waitBetween},
		{"start, a call, and stop", 1, live},
	} {
		usual := side{name: "the default backend", per: work.per, run: work.on(onGoroutines)}
		figures = append(figures,
			figure{ours: side{name: work.name + ", `props.Thread`", per: work.per, run: work.on(onThread)}, theirs: usual},
			figure{ours: side{name: work.name + ", a host", per: work.per, run: work.on(onHost)}, theirs: usual})
	}
	figures = append(figures, figure{
		ours:   side{name: "`CallUsing` a thread, and `Wait`", per: 1, run: callGuest},
		theirs: side{name: "`CallSoon` and `Wait`", per: 1, run: callSoon},
	})
	for i := range figures {
		figures[i].number = firstBackendFigure + i
	}
	return figures
}

const firstBackendFigure = 101
