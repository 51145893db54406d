/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule set is replaced by message (MSG_RULES, fw_client_rules()).
 *
 * control builds a set in a block that is free and sends its name; data puts the
 * pointer in between two packets and answers; only then control takes the old
 * block back.  data may refuse a set, and then the new block is control's again
 * and the old one stays.  Nothing else is shared: no lock, no counter.
 *
 * Properties, at every packet:
 *  - the set that judges it is in a block that nobody has taken back, from the
 *    first look at it to the last;
 *  - a packet that came after control had read the answer is judged by the new
 *    set, also when it belongs to a flow that an older set admitted;
 *  - judging begins and ends with the same set.
 *
 * The .bad.pml files change one step and must fail: FREE_EARLY, ACK_EARLY,
 * KEEP_FLOWS.
 */
#define BLOCKS 3
#define UPDATES 4
#define PACKETS 6 /* a bound, so that control stuck for good is an end state */
#define NONE 255

mtype = { free, building, live };
mtype state[BLOCKS] = free;
byte gen[BLOCKS]; /* which set is in a block; written by control alone */
byte answered;	  /* newest generation whose answer control has read */

chan to_data = [2] of { byte };	   /* block */
chan to_control = [2] of { bool }; /* taken or refused */

inline find_free(b)
{
	if
	:: state[0] == free -> b = 0
	:: state[1] == free -> b = 1
	:: state[2] == free -> b = 2
	fi
}

active proctype control()
{
	byte next, now_live = NONE, b;
	bool ok;

	do
	:: next == UPDATES -> break
	:: else ->
		next++;
		find_free(b);
		state[b] = building;
		gen[b] = next;
		state[b] = live;
		to_data!b;
#ifdef FREE_EARLY
		if
		:: now_live != NONE -> state[now_live] = free
		:: else
		fi;
#endif
		to_control?ok;
		if
		:: ok ->
			answered = gen[b];
#ifndef FREE_EARLY
			if
			:: now_live != NONE -> state[now_live] = free
			:: else
			fi;
#endif
			now_live = b
		:: else -> state[b] = free
		fi
	od
}

/* One packet, of a flow that is there or of a new one. */
inline packet()
{
	must = answered;
	used = cur;
	if
	:: used == NONE -> assert(must == 0) /* closed: dropped */
	:: else ->
		assert(state[used] == live);
		by = gen[used];
		if
		:: flow == 0 -> flow = by /* new flow: admitted now */
#ifdef KEEP_FLOWS
		:: flow != 0
#else
		:: flow != 0 && flow == by
		:: flow != 0 && flow != by -> flow = by /* judged again */
#endif
		fi;
		assert(state[used] == live && gen[used] == by);
		assert(flow >= must);
		if
		:: flow = 0 /* the flow ends */
		:: skip
		fi
	fi
}

active proctype data()
{
	byte cur = NONE, used, by, must, b, flow, packets;

end:	do
	:: packets < PACKETS ->
		packets++;
		packet()
	:: to_data?b ->
		if
#ifdef ACK_EARLY
		:: to_control!true;
		   packet();
		   cur = b
#else
		:: cur = b;
		   to_control!true
#endif
		:: to_control!false
		fi
	od
}
