package pending_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

func ExampleNew() {
	ctx := context.Background()
	answer := pending.New[int](ctx)
	go answer.SetResult(42)

	value, err := answer.Wait(ctx)
	fmt.Println(value, err)
	// Output: 42 <nil>
}

func ExamplePending_Wait_timeout() {
	ctx := context.Background()
	answer := pending.New[int](ctx)

	// Without Protect the first wait that gives up cancels the pending.
	_, err := answer.Wait(ctx, pending.Timeout(time.Millisecond), pending.Protect())
	fmt.Println(errors.Is(err, context.DeadlineExceeded), answer.Cancelled())

	_, err = answer.Wait(ctx, pending.Timeout(time.Millisecond))
	fmt.Println(errors.Is(err, context.DeadlineExceeded), answer.Cancelled())
	// Output:
	// true false
	// true true
}

func ExampleHandle_Cancel() {
	errTooExpensive := errors.New("too expensive")
	answer := pending.New[int](context.Background())
	answer.Cancel(errTooExpensive)

	_, err := answer.Result()
	fmt.Println(err)
	fmt.Println(errors.Is(err, errTooExpensive), errors.Is(err, pending.ErrCancelled), errors.Is(err, context.Canceled))
	// Output:
	// pending: cancelled: too expensive
	// true true true
}

func ExampleHandle_OnDone() {
	answer := pending.New[int](context.Background(), pending.Named("answer"))
	answer.OnDone(func(h pending.Handle) { fmt.Println(h.Name(), "is done:", h.Err()) })
	remove := answer.OnDone(func(pending.Handle) { fmt.Println("never printed") })
	fmt.Println("removed in time:", remove())

	answer.SetResult(42)
	answer.OnDone(func(pending.Handle) { fmt.Println("called at once") })
	// Output:
	// removed in time: true
	// answer is done: <nil>
	// called at once
}

func ExampleHandle_SetCanceller() {
	answer := pending.New[int](context.Background())
	answer.SetCanceller(func(cause error) { fmt.Println("asked to stop:", cause) })
	answer.Cancel(errors.New("not needed"))
	fmt.Println("cancelled:", answer.Cancelled(), "done:", answer.IsDone())

	answer.SetError(context.Canceled) // whoever works for it has stopped
	fmt.Println("cancelled:", answer.Cancelled(), "done:", answer.IsDone())
	// Output:
	// asked to stop: pending: cancelled: not needed
	// cancelled: true done: false
	// cancelled: true done: true
}

func ExamplePending_Result() {
	answer := pending.New[int](context.Background())
	fmt.Println(answer.Result())

	fmt.Println(answer.SetResult(42), answer.SetResult(43)) // the first one wins
	fmt.Println(answer.Result())
	// Output:
	// 0 pending: not done
	// true false
	// 42 <nil>
}

// Shield waits on although its context has ended, for what must not be lost.
func ExampleShield() {
	answer := pending.New[int](context.Background())
	time.AfterFunc(time.Millisecond, func() { answer.SetResult(42) })

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	fmt.Println(answer.Wait(ctx, pending.Shield()))
	// Output: 42 <nil>
}

func ExampleHandle_CancelWait() {
	ctx := context.Background()
	answer := pending.New[int](ctx)
	answer.SetCanceller(func(error) {
		time.AfterFunc(time.Millisecond, func() { answer.SetResult(42) }) // too late to count
	})

	fmt.Println(answer.CancelWait(ctx, errors.New("not needed")))
	fmt.Println(answer.Result())
	// Output:
	// <nil>
	// 0 pending: cancelled: not needed
}

func ExampleHandle_Metadata() {
	answer := pending.New[int](context.Background(), pending.Named("answer"), pending.With("customer", 7))
	answer.Metadata()["attempt"] = 2
	answer.SetResult(42)
	fmt.Println(answer.Metadata()["customer"], answer.Metadata()["attempt"])
	// Output: 7 2
}
