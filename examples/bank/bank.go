package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

const (
	opening = 1000 // what is in an account when it is opened
	most    = 100  // of a transfer, a deposit or a withdrawal
)

type bank struct {
	system   *actor.ActorSystem
	accounts []*account
	random   *rand.Rand

	transfers []*pending.Pending[int]
	orders    []order
}

// order is a message that changes the money of the bank, if it is obeyed.
type order struct {
	change int
	answer *pending.Pending[int]
}

// result is what has become of everything.
type result struct {
	transfers, done, interrupted      int
	tooPoor, frozen, closed, putBack  int
	mostWaiting                       int
	messages, obeyed, paidIn, paidOut int
	want, sum                         int
}

// day has the bank do its business, and closes it. When ctx ends the bank closes
// early, and checks its books all the same.
func (b *bank) day(ctx context.Context, transfers int) (result, error) {
	b.trade(ctx, transfers)
	ctx = context.WithoutCancel(ctx)
	r, err := b.settle(ctx)
	if err != nil {
		return r, err
	}
	r.sum, err = actors.CallSoon(ctx, actors.Main(b.system), b.audit).Wait(ctx)
	if err != nil {
		return r, err
	}
	if err := actors.Shutdown(ctx, b.system); err != nil {
		return r, err
	}
	for _, a := range b.accounts { // they have stopped: nobody else touches them
		r.mostWaiting = max(r.mostWaiting, a.mostWaiting)
	}
	return r, nil
}

// newBank opens the accounts.
func newBank(ctx context.Context, system *actor.ActorSystem, o options) (*bank, error) {
	b := &bank{system: system, random: rand.New(rand.NewPCG(o.seed, 0))}
	for i := range o.accounts {
		if ctx.Err() != nil {
			return nil, errInterrupted
		}
		a, err := openAccount(system, fmt.Sprint("account-", i), opening)
		if err != nil {
			return nil, err
		}
		b.accounts = append(b.accounts, a)
	}
	return b, nil
}

// trade asks for transfers between any two accounts, and for deposits and
// withdrawals in between, without waiting for anything. On the way one account
// is frozen and another one closed. The end of ctx cancels transfers, but no
// messages: nobody would know whether they were obeyed.
func (b *bank) trade(ctx context.Context, transfers int) {
	uncancelled := context.WithoutCancel(ctx)
	frozen, closed := b.accounts[0], b.accounts[1]
	for i := range transfers {
		if ctx.Err() != nil {
			return
		}
		from, to := b.twoAccounts()
		b.transfers = append(b.transfers, from.transfer(ctx, b.amount(), to))
		switch {
		case i == transfers/3:
			frozen.ask(uncancelled, freeze{})
		case i == transfers*2/3:
			closed.caller.Stop()
		case i%4 == 0:
			b.order(uncancelled, +b.amount())
		case i%4 == 2:
			b.order(uncancelled, -b.amount())
		}
	}
}

func (b *bank) twoAccounts() (from, to *account) {
	i, j := b.random.IntN(len(b.accounts)), b.random.IntN(len(b.accounts)-1)
	if j >= i {
		j++
	}
	return b.accounts[i], b.accounts[j]
}

func (b *bank) amount() int { return 1 + b.random.IntN(most) }

// order asks any account for a deposit, or a withdrawal if change is negative.
func (b *bank) order(ctx context.Context, change int) {
	a := b.accounts[b.random.IntN(len(b.accounts))]
	var message any = deposit{change}
	if change < 0 {
		message = withdraw{-change}
	}
	b.orders = append(b.orders, order{change, a.ask(ctx, message)})
}

// settle waits for everything that trade has asked for. The error is one that
// no transfer should have.
func (b *bank) settle(ctx context.Context) (r result, err error) {
	r.transfers, r.messages = len(b.transfers), len(b.orders)
	for _, transfer := range b.transfers {
		_, err := transfer.Wait(ctx)
		switch {
		case err == nil:
			r.done++
		case errors.Is(err, errTooPoor):
			r.tooPoor++
		case errors.Is(err, errFrozen):
			r.frozen++
		case errors.Is(err, pending.ErrStopped):
			r.closed++
		case errors.Is(err, pending.ErrCancelled):
			r.interrupted++
		default:
			return r, err
		}
		if errors.Is(err, errPutBack) {
			r.putBack++
		}
	}
	for _, order := range b.orders {
		if _, err := order.answer.Wait(ctx); err == nil {
			r.obeyed++
			r.paidIn += max(order.change, 0)
			r.paidOut += max(-order.change, 0)
		}
	}
	r.want = len(b.accounts)*opening + r.paidIn - r.paidOut
	return r, nil
}

// audit adds up the balances. It is a function of the main caller.
func (b *bank) audit(ctx context.Context) (sum int, err error) {
	for _, a := range b.accounts {
		money, err := a.ask(ctx, balance{}).Wait(ctx)
		if errors.Is(err, actor.ErrDeadLetter) { // it is being closed
			err = a.caller.StopWait(ctx)
			money = a.balance // nobody else touches it any more
		}
		if err != nil {
			return 0, err
		}
		sum += money
	}
	return sum, nil
}
