/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No lost wake-up: "arm, then look again" (struct port_ops.arm, fw_arm()).
 *
 * One data loop serves PORTS rings that other processors fill.  A peer raises
 * the port's event only when the index that it publishes is the one that was
 * asked for, so the loop, before it sleeps, asks for the next index of every
 * port and then looks at each once more.
 *
 * Both sides' stores reach the other side late: each writes into a store buffer
 * that `memory' empties at some time, and a fence waits for that.  Property: the
 * loop never sleeps on for ever while something lies in a ring.  A sleep that
 * nobody ends is an invalid end state, which is what the checker looks for.
 *
 * The .bad.pml files leave one step out and must fail: NO_SECOND_LOOK, NO_FENCE.
 */
#define PORTS 2
#define FRAMES 3 /* that each peer sends */

byte prod[PORTS], prod_seen[PORTS]; /* published; and visible to the loop */
byte want[PORTS], want_seen[PORTS]; /* asked for; and visible to the peer */
byte cons[PORTS];
bool event[PORTS];

#ifdef NO_FENCE
#define FENCE(mine, seen) skip
#else
#define FENCE(mine, seen) ((mine) == (seen))
#endif

active proctype memory()
{
end:	do
	:: prod_seen[0] != prod[0] -> prod_seen[0] = prod[0]
	:: prod_seen[1] != prod[1] -> prod_seen[1] = prod[1]
	:: want_seen[0] != want[0] -> want_seen[0] = want[0]
	:: want_seen[1] != want[1] -> want_seen[1] = want[1]
	od
}

proctype peer(byte p)
{
	byte sent;

	do
	:: sent == FRAMES -> break
	:: else ->
		sent++;
		prod[p] = sent;
		FENCE(prod[p], prod_seen[p]);
		if
		:: want_seen[p] == sent -> event[p] = true
		:: else
		fi
	od
}

/* Takes one frame or all that is there: the budget of a round. */
inline poll(p)
{
	if
	:: prod_seen[p] != cons[p] ->
		busy = true;
		if
		:: cons[p]++
		:: cons[p] = prod_seen[p]
		fi
	:: else
	fi
}

inline arm(p)
{
	want[p] = cons[p] + 1;
	FENCE(want[p], want_seen[p]);
#ifndef NO_SECOND_LOOK
	if
	:: prod_seen[p] != cons[p] -> busy = true
	:: else
	fi
#endif
}

active proctype loop()
{
	bool busy;

	/* Until armed for the first time nobody may wake us: index 0 never
	 * comes. */
	run peer(0);
	run peer(1);
	do
	:: cons[0] == FRAMES && cons[1] == FRAMES -> break
	:: else ->
		busy = false;
		poll(0);
		poll(1);
		if
		:: busy
		:: else ->
			arm(0);
			arm(1);
			if
			:: busy
			:: else ->
				/* asleep */
				(event[0] || event[1]);
				event[0] = false;
				event[1] = false
			fi
		fi
	od;
	assert(cons[0] == prod[0] && cons[1] == prod[1])
}
