// Package actorstest is for the tests of programs with callers: it joins actor
// systems in memory, ends what a test has started, and records what happens.
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
// A [Network] carries messages as a wire does, with the faults that an [Option]
// asks for, which are the same again for the same seed. [Network.Partition] and
// [Network.Crash] make worse things happen. A [Probe] is an actor whose messages
// the test takes with [Expect]; [ExpectEvent] does that with the events of
// supervision. Both wait, and never by sleeping. All that is made here ends with
// the test, and needs no port.
//
// In a bubble of testing/synctest all of it works in virtual time, so that delays
// and timeouts cost none, and a message that never comes is a deadlock of the
// bubble or the end of a context; elsewhere give [Expect] a context that ends.
package actorstest
