// Package actorstest is for the tests of programs with callers. It joins actor
// systems in memory, ends what a test has started, and records messages and
// events.
//
//	func TestOrder(t *testing.T) {
//		network := actorstest.NewNetwork(t, actorstest.Delay(0, time.Second))
//		shop, store := network.System("shop"), network.System("store")
//		clerk := actorstest.Start(t, shop, props.Name("clerk"))
//		keeper := actorstest.NewProbe(t, store)
//		...
//		order := actorstest.Expect[*Order](t.Context(), keeper)
//		network.Crash("store")
//		...
//	}
//
// A [Network] carries messages between systems, with the faults of its [Option]
// values. The same seed gives the same faults. [Network.Partition] and
// [Network.Crash] make worse faults. A [Probe] is an actor whose messages the test
// takes with [Expect]. [ExpectEvent] takes events of supervision. Both wait
// without sleeping. All that is made here ends with the test, and needs no port.
//
// In a bubble of testing/synctest all of it works in virtual time: delays and
// timeouts cost no time. There a message that never comes is a deadlock of the
// bubble, or the end of a context. Elsewhere give [Expect] a context that ends.
package actorstest
