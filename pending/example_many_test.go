package pending_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing/iotest"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// after makes a pending that ends after some time. A call of package actors is
// one as well.
func after(ctx context.Context, d time.Duration, value string, err error) *pending.Pending[string] {
	p := pending.New[string](ctx, future.Tracked)
	time.AfterFunc(d, func() {
		if err != nil {
			p.SetError(err)
		}
		p.SetResult(value)
	})
	return p
}

const short, long = 5 * time.Millisecond, time.Hour

// A wait that ends early leaves the pending as it is.
func ExampleProtected() {
	ctx := context.Background()
	answer := pending.New[string](ctx, pending.Named("answer"), pending.Protected())
	_, err := answer.Wait(ctx, pending.Timeout(short))
	fmt.Println(errors.Is(err, context.DeadlineExceeded), answer.Cancelled())
	answer.SetResult("yes")
	fmt.Println(answer.Result())
	// Output:
	// true false
	// yes <nil>
}

// A member that fails cancels the others.
func ExampleRun() {
	var slow *pending.Pending[string]
	err := pending.Run(context.Background(), func(ctx context.Context) error {
		slow = after(ctx, long, "too late", nil)
		after(ctx, short, "", errors.New("no paper"))
		return nil
	})
	fmt.Println(err)
	fmt.Println(slow.Err())
	// Output:
	// pending: group: no paper
	// pending: cancelled: no paper
}

func ExampleNewGroup() {
	g, ctx := pending.NewGroup(context.Background(), pending.WithMode(pending.CancelAndReport))
	p := after(ctx, long, "", nil)
	fmt.Println(len(g.Pending()), "to be done")
	g.Cancel(errors.New("closing time"))
	err := g.Wait()
	fmt.Println(err)
	fmt.Println(errors.Is(err, pending.ErrCancelled), p.Cancelled())
	// Output:
	// 1 to be done
	// pending: group: pending: cancelled: closing time
	// true true
}

// The mode decides what a cancelled member means.
func ExampleWithMode() {
	for _, mode := range []pending.Mode{
		pending.IgnoreCancelled, pending.CancelAndReport, pending.CancelQuietly, pending.ReportCancelled,
	} {
		var other *pending.Pending[string]
		err := pending.Run(context.Background(), func(ctx context.Context) error {
			other = after(ctx, short, "", nil)
			after(ctx, long, "", nil).Cancel(nil)
			return nil
		}, pending.WithMode(mode))
		fmt.Println(mode, other.Cancelled(), err)
	}
	// Output:
	// 0 false <nil>
	// 1 true pending: group: pending: cancelled
	// 2 true <nil>
	// 3 false pending: group: pending: cancelled
}

func ExampleWithTimeout() {
	err := pending.Run(context.Background(), func(ctx context.Context) error {
		after(ctx, long, "", nil)
		return nil
	}, pending.WithTimeout(short))
	fmt.Println(err, errors.Is(err, context.DeadlineExceeded))
	// Output: pending: wait for group: not done after 5ms true
}

// No more than two are on their way at a time.
func ExampleAsCompleted() {
	ctx := context.Background()
	calls := func(yield func(*pending.Pending[string]) bool) {
		for _, name := range []string{"a", "b", "c", "d"} {
			fmt.Println("begin", name)
			if !yield(after(ctx, short, name, nil)) {
				return
			}
		}
	}
	n := 0
	for p, err := range pending.AsCompleted(ctx, calls, pending.MaxConcurrent(2)) {
		if err != nil {
			fmt.Println(p, err)
			continue
		}
		if n++; n == 2 {
			break // cancels what is on its way
		}
	}
	fmt.Println(n, "done")
	// Output:
	// begin a
	// begin b
	// begin c
	// 2 done
}

func ExampleAsCompleted_sequenceThatFails() {
	ctx := context.Background()
	names := bufio.NewScanner(io.MultiReader(strings.NewReader("a\nb\n"), iotest.ErrReader(errors.New("broken"))))
	calls := func(yield func(*pending.Pending[string]) bool) {
		for names.Scan() {
			if !yield(after(ctx, short, names.Text(), nil)) {
				return
			}
		}
	}
	for p, err := range pending.AsCompleted(ctx, calls, pending.MaxConcurrent(1)) {
		name, _ := p.Result()
		fmt.Println(name, err)
	}
	fmt.Println(names.Err())
	// Output:
	// a <nil>
	// b <nil>
	// broken
}

func ExampleAsCompletedOf() {
	ctx := context.Background()
	slow, quick, broken := pending.New[string](ctx), pending.New[string](ctx), pending.New[string](ctx)
	quick.OnDone(func(pending.Handle) { slow.SetResult("slow") })
	broken.SetError(errors.New("broken"))
	quick.SetResult("quick")
	for p, err := range pending.AsCompletedOf(ctx, []*pending.Pending[string]{slow, quick, broken, slow}) {
		value, _ := p.Result()
		fmt.Printf("%s: %v\n", value, err)
	}
	// Output:
	// slow: <nil>
	// quick: <nil>
	// : broken
	// slow: <nil>
}

func ExampleAsCompletedFrom() {
	ctx := context.Background()
	orders := make(chan *pending.Pending[string])
	go func() {
		defer close(orders)
		for _, dish := range []string{"soup", "pie"} {
			orders <- after(ctx, short, dish, nil)
		}
	}()
	for p, err := range pending.AsCompletedFrom(ctx, orders, pending.MaxConcurrent(1)) {
		dish, _ := p.Result()
		fmt.Println(dish, err)
	}
	// Output:
	// soup <nil>
	// pie <nil>
}

func ExampleWaitAll() {
	ctx := context.Background()
	items := []*pending.Pending[string]{after(ctx, long, "", nil), after(ctx, short, "quick", nil)}
	done, notDone, err := pending.WaitAll(ctx, items, pending.FirstCompleted())
	fmt.Println(len(done), len(notDone), err)
	_, notDone, err = pending.WaitAll(ctx, items, pending.Timeout(short))
	fmt.Println(len(notDone), err, notDone[0].Cancelled())
	// Output:
	// 1 1 <nil>
	// 1 <nil> false
}

func ExampleAll() {
	ctx := context.Background()
	fmt.Println(pending.All(ctx, after(ctx, 2*short, "a", nil), after(ctx, short, "b", nil)))
	// Output: [a b] <nil>
}

func ExampleAny() {
	ctx := context.Background()
	fmt.Println(pending.Any(ctx, after(ctx, long, "", nil), after(ctx, short, "quick", nil)))
	// Output: quick <nil>
}

func ExampleThen() {
	ctx := context.Background()
	length := pending.Then(after(ctx, short, "four", nil), func(s string) (int, error) { return len(s), nil })
	fmt.Println(length.Wait(ctx))
	// Output: 4 <nil>
}

func ExampleNewManager() {
	m := pending.NewManager()
	ctx := pending.WithTracker(context.Background(), m)
	p := after(ctx, long, "", nil)
	pending.New[int](ctx) // is no call
	fmt.Println(len(m.Pending()))
	p.Cancel(nil)
	fmt.Println(len(m.Pending()))
	// Output:
	// 1
	// 0
}

// counter is a tracker that counts.
type counter struct{ n int }

func (c *counter) Add(pending.Handle) { c.n++ }

func ExampleWithTracker() {
	c := &counter{}
	ctx := pending.WithTracker(context.Background(), c)
	after(ctx, 0, "", nil)
	after(ctx, 0, "", nil)
	current, _ := pending.CurrentTracker[*counter](ctx)
	fmt.Println(c.n, current == c)
	// Output: 2 true
}
