package pending_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// A mutex keeps what is read valid until it is written, although work waits in between.
func ExampleMutex() {
	ctx := context.Background()
	accounts := pending.NewMutex(pending.Named("accounts"))
	balance := 100
	withdraw := func(amount int, allowed *pending.Pending[bool]) error {
		if err := accounts.Lock(ctx); err != nil {
			return err
		}
		defer accounts.Unlock()
		left := balance - amount
		if ok, err := allowed.Wait(ctx); err != nil || !ok { // nobody else withdraws meanwhile
			return err
		}
		balance = left
		return nil
	}

	allowed := pending.New[bool](ctx)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { _ = withdraw(10, allowed) })
	}
	allowed.SetResult(true)
	wg.Wait()
	fmt.Println(balance)
	// Output: 70
}

// A semaphore bounds how much is under way at a time.
func ExampleSemaphore() {
	ctx := context.Background()
	connections := pending.NewSemaphore(2, pending.Named("connections"))

	if err := connections.Acquire(ctx, 2); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(connections.TryAcquire(1))
	connections.Release(2)
	fmt.Println(connections.TryAcquire(1))
	// Output:
	// false
	// true
}
