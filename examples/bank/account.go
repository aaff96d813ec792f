package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// The messages of an account. The answer is the balance, or an error.
type (
	deposit  struct{ amount int }
	withdraw struct{ amount int }
	freeze   struct{}
	balance  struct{}
)

var (
	errTooPoor = errors.New("not enough money")
	errFrozen  = errors.New("the account is frozen")
	errPutBack = errors.New("the money was put back")
)

// account is an ordinary actor. Its fields belong to its turn, on which its
// Receive runs and the functions that are scheduled on it.
type account struct {
	caller *actors.Caller

	balance     int
	frozen      bool
	waiting     int // transfers that wait for the other account
	mostWaiting int
}

// openAccount spawns an account that is a caller too.
func openAccount(system *actor.ActorSystem, name string, money int) (*account, error) {
	asCaller, err := actors.AsCaller()
	if err != nil {
		return nil, err
	}
	a := &account{balance: money}
	pid, err := system.Root.SpawnNamed(actor.PropsFromProducer(func() actor.Actor { return a }, asCaller), name)
	if err != nil {
		return nil, err
	}
	a.caller, _ = actors.Lookup(system, pid.GetId())
	return a, nil
}

// Receive implements [actor.Actor].
func (a *account) Receive(ctx actor.Context) {
	switch message := ctx.Message().(type) {
	case deposit:
		a.answer(ctx, a.deposit(message.amount))
	case withdraw:
		a.answer(ctx, a.withdraw(message.amount))
	case freeze:
		a.frozen = true
		a.answer(ctx, nil)
	case balance:
		a.answer(ctx, nil)
	}
}

func (a *account) answer(ctx actor.Context, err error) {
	if err != nil {
		ctx.Respond(err)
		return
	}
	ctx.Respond(a.balance)
}

// ask sends the account a message and returns the pending of its answer.
func (a *account) ask(ctx context.Context, message any) *pending.Pending[int] {
	return actors.Request[int](ctx, a.caller.System(), a.caller.PID(), message)
}

// deposit is called on the account's turn.
func (a *account) deposit(amount int) error {
	if a.frozen {
		return errFrozen
	}
	a.balance += amount
	return nil
}

// withdraw is called on the account's turn.
func (a *account) withdraw(amount int) error {
	if a.frozen {
		return errFrozen
	}
	if a.balance < amount {
		return errTooPoor
	}
	a.balance -= amount
	return nil
}

// transfer moves money to another account. It is a function of the account that
// pays; its pending has the balance that leaves.
func (a *account) transfer(ctx context.Context, amount int, to *account) *pending.Pending[int] {
	return actors.CallSoon(ctx, a.caller, func(ctx context.Context) (int, error) {
		if err := a.withdraw(amount); err != nil {
			return a.balance, err
		}
		if err := a.pay(ctx, amount, to); err != nil {
			a.balance += amount // frozen or not
			return a.balance, fmt.Errorf("%w: %w", errPutBack, err)
		}
		return a.balance, nil
	})
}

// pay has another account take the money, and waits for that.
func (a *account) pay(ctx context.Context, amount int, to *account) error {
	paying := actors.CallSoon(ctx, to.caller, func(context.Context) (struct{}, error) {
		return struct{}{}, to.deposit(amount)
	})
	a.waiting++
	a.mostWaiting = max(a.mostWaiting, a.waiting)
	// Wait gives the turn away: until it returns the account handles messages,
	// and other transfers, from here and to here. Shield, because the money has
	// arrived or it has not, and nothing but the outcome tells.
	_, err := paying.Wait(ctx, pending.Shield())
	a.waiting--
	return err
}
