// Package actorstest is for the tests of programs with callers. It joins actor systems in memory
// and ends what a test has started. It records messages and events, and tries the orders in which
// things can happen.
//
//	func TestOrder(t *testing.T) {
//		network := actorstest.NewNetwork(t, actorstest.Delay(0, time.Second))
//		shop, store := network.System("shop"), network.System("store")
//		keeper := actorstest.NewProbe(t, store)
//		shop.Root.Send(actor.NewPID("store", keeper.PID().Id), &Order{Item: "tea"})
//		order := actorstest.Expect[*Order](t.Context(), keeper)
//		fmt.Println(order.Item)
//		network.Crash("store") // the shop gets a NodeDown
//	}
//
// # Systems, callers and probes
//
// [NewSystem] and [Start] make actor systems and callers that end with the test. Their callers check
// that no two functions of a caller run at once, as with [props.CheckTurns]. A [Probe] is an actor
// whose messages the test takes with [Expect]. [ExpectEvent] takes events of supervision. Both wait
// without sleeping. [NoLeaks] finds goroutines that are left.
//
// The end of a test also says which promises nobody has completed, and where they were made.
// [MayStayOpen] is for those that are meant to stay open.
//
// # Networks
//
// A [Network] carries messages between systems, with the faults of its [Option] values. The same seed
// gives the same faults. [Network.Partition], [Network.Reset] and [Network.Crash] make worse faults.
// Calls of package rpc take connections of the network. Nothing needs a port.
//
// # Exploring schedules
//
// [Explore] runs a test many times, each time with another order of what goes on: of calls, waits,
// messages, timers and the network. It finds what a program does wrong in some orders only.
//
//	func TestSave(t *testing.T) {
//		actorstest.Explore(t, func(t testing.TB, w *actorstest.World) {
//			account := actorstest.Start(t, w.System("bank"), props.Name("account"))
//			p := actors.CallSoon(t.Context(), account, actors.NoResult(save))
//			w.Settle()
//			if err := p.Err(); err != nil {
//				t.Error(err)
//			}
//		}, actorstest.Schedules(1000))
//	}
//
// Each schedule calls the body anew, with a t, a [World] and a virtual time of its own. A schedule
// that fails is run again, shortened, and written down as steps. The failure has the command that
// runs it again, with -explore.seed. [Exhaustive] tries all orders of a small test. README.md
// teaches all of it in five minutes, and has the limits.
//
// # Time
//
// In a bubble of testing/synctest all of it works in virtual time: delays and timeouts take no time.
// There a message that never comes is a deadlock of the bubble, or the end of a context. Elsewhere
// give [Expect] a context that ends.
//
// # The names you need
//
// [NewSystem] and [Start] for one system. [NewNetwork] with [Network.System] for several, with [Delay]
// and [Loss] as faults. [Explore] with [World.System] for many orders. [NewProbe] and [Expect] for
// messages, [RecordEvents] and [ExpectEvent] for events.
//
// # Limits
//
// Messages that are not of protobuf are passed as they are, although a real network would refuse them.
// README.md has what else differs from protoactor's remote. A crash ends the callers of a system, and
// cuts its other actors off. It cannot end its goroutines.
package actorstest
