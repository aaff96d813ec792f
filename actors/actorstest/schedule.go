package actorstest

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/goroutine"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// schedule is one run of a body, and what has come of it.
type schedule struct {
	failed, skipped bool
	text            string // what has failed, or was logged
	lost            bool   // its goroutines are left, and may hold anything
	order           []string
	prints          []uint64
	choices         int
	trace           []step
}

// plan is how a body is run.
type plan struct {
	chooser chooser
	seed    uint64 // of the faults, and of what else is random
	tracing bool
}

// runner runs a schedule.
type runner struct {
	e       *exploration
	plan    plan
	control *controller
	verdict *verdict
	bubble  atomic.Pointer[string]
}

// play runs the body once, in a bubble of its own.
func (e *exploration) play(p plan) *schedule {
	c := newController(p.chooser, p.seed, e.limits)
	c.tracing = p.tracing
	if d, ok := p.chooser.(*depthFirst); ok {
		d.control = c
	}
	r := &runner{e: e, plan: p, control: c}
	done := make(chan error, 1)
	defer steps.Enter(c)()
	go func() { done <- r.inBubble() }()
	lost := false
	for last := int64(-1); ; {
		select {
		case err := <-done:
			return r.judge(err, lost)
		case <-time.After(e.patience):
		}
		if now := c.count.Load(); now != last {
			last = now
			continue
		}
		return r.judge(fmt.Errorf("actorstest: the schedule has stopped for good. "+
			"A goroutine is not in a wait that a test can see: a sync.Mutex that is held across a wait, a loop, or the network\n%s", r.stacks()), true)
	}
}

// inBubble runs the body, and returns why it could not end.
func (r *runner) inBubble() (err error) {
	ended := false
	defer func() {
		// What is left in a bubble makes it panic, on this goroutine.
		if p := recover(); p != nil && !ended {
			err = fmt.Errorf("actorstest: goroutines are left: %v\n%s", p, r.stacks())
		} else if p != nil {
			err = errAbandoned
		}
	}()
	synctest.Test(r.e.t, func(*testing.T) {
		bubble := bubbleOf()
		r.bubble.Store(&bubble)
		r.control.enter()
		r.verdict = newVerdict(r.e.t, r.control)
		ledgerOf(r.verdict)
		w := &World{tb: r.verdict, control: r.control, exploration: r.e, seed: r.plan.seed}
		r.control.begin("body", func() { r.verdict.run(func() { r.e.body(r.verdict, w) }) })
		if err = r.control.run(); err != nil {
			ended = true
			err = r.giveUp(err)
			return
		}
		r.control.calmDown()
	})
	return err
}

// errAbandoned says that goroutines are left of a schedule that has failed already.
var errAbandoned = errors.New("abandoned")

// giveUp ends a schedule that does not end by itself: the context of the test ends, so that
// it returns.
func (r *runner) giveUp(why error) error {
	r.verdict.Errorf("%v\n%s", why, r.stacks())
	r.verdict.cancel()
	r.control.limits.steps *= 2
	if err := r.control.run(); err != nil {
		return errAbandoned
	}
	r.control.calmDown()
	return nil
}

// judge says what has come of a schedule.
func (r *runner) judge(err error, lost bool) *schedule {
	c := r.control
	s := &schedule{lost: lost || errors.Is(err, errAbandoned)}
	if v := r.verdict; v != nil {
		if l := existingLedger(v); l != nil { // the cleanups were not reached
			l.leave()
		}
		s.text, s.failed = v.failure()
		s.skipped = v.Skipped()
	}
	if err != nil && !errors.Is(err, errAbandoned) {
		s.failed = true
		s.text = strings.TrimSpace(s.text + "\n" + err.Error())
	}
	s.failed = s.failed || err != nil
	c.mu.Lock()
	defer c.mu.Unlock()
	s.order, s.prints, s.choices, s.trace = c.order, c.prints, c.choices, c.trace
	if n := c.failedAt; n > 0 { // what follows is the cleanup
		s.order, s.prints = s.order[:n], s.prints[:n]
		s.trace = s.trace[:min(n, len(s.trace))]
	}
	return s
}

// bubbleOf returns the name of the present bubble, as the stacks of its goroutines have
// it. It returns "" outside of a bubble.
func bubbleOf() string {
	var own [128]byte
	return bubbleIn.FindString(firstLine(string(own[:runtime.Stack(own[:], false)])))
}

var bubbleIn = regexp.MustCompile(`synctest bubble \d+`)

// mostStacks is how many stacks a failure has.
const mostStacks = 10

// stacks returns the stacks of the goroutines of the bubble that are not ours.
func (r *runner) stacks() string {
	bubble := r.bubble.Load()
	if bubble == nil {
		return ""
	}
	var found []string
	for block := range strings.SplitSeq(string(goroutine.Dump()), "\n\n") {
		first := firstLine(block)
		if !strings.Contains(first, *bubble+"]") && !strings.Contains(first, *bubble+",") || isOurs(block) {
			continue
		}
		found = append(found, block)
	}
	if more := len(found) - mostStacks; more > 0 {
		found = append(found[:mostStacks], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(found, "\n\n")
}

// isOurs reports whether a stack is that of a goroutine that is at a gate, or chooses.
func isOurs(stack string) bool {
	for _, function := range []string{
		"(*controller).wait(", "(*controller).run(", "(*controller).calmDown(", "(*runner).stacks(", "synctest.testingSynctestTest(", "synctest.Run(",
	} {
		if strings.Contains(stack, function) {
			return true
		}
	}
	return false
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
