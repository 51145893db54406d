/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "firewall/share/msg.h"
#include "unit.h"

static int pair[2];
static struct msg got;
/* Longest record that a test sends: header, body and a byte too many. */
static uint8_t record[sizeof(struct msg_hdr) + sizeof(union msg_body) + 1];

static void open_pair(void)
{
	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void close_pair(void)
{
	close(pair[0]);
	close(pair[1]);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* A body that every check of @type accepts. */
static void good_body(uint32_t type, union msg_body *b)
{
	memset(b, 0, sizeof(*b));
	if (type == MSG_PORT_ADD)
		b->port.mtu = 1500;
	if (type == MSG_CLIENT) {
		b->client.n = 1;
		b->client.client.port = 1;
	}
	if (type == MSG_CLIENT_DEL)
		b->id.id = 1;
	if (type == MSG_VIF_ADD)
		b->vif.mtu = 1500;
	if (type == MSG_FRONT_ADD)
		b->front.mtu = 1500;
	if (type == MSG_VIFS_PAGE)
		b->vifs_page.n = MSG_VIFS_PER_PAGE;
	if (type == MSG_PROFILES)
		b->profiles.len = 64;
	if (type == MSG_DNS_PASS)
		b->dns_pass.n = 1;
	if (type == MSG_VIF_LIMITS)
		b->vif_limits.mtu = 1500;
	if (type == MSG_RULES) {
		b->rules.n = 1;
		b->rules.len = 64;
	}
}

static enum msg_side side_of(uint32_t type)
{
	return type < MSG_QUESTION ? MSG_TO_DATA : MSG_TO_CONTROL;
}

/* Sends raw bytes with @fds copies of stdin. */
static void send_raw(const void *bytes, size_t len, uint32_t fds)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} ctl;
	struct iovec iov = { .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	memcpy(&iov.iov_base, &bytes, sizeof(bytes));
	if (fds) {
		memset(&ctl, 0, sizeof(ctl));
		mh.msg_control = &ctl;
		mh.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		ctl.h.cmsg_level = SOL_SOCKET;
		ctl.h.cmsg_type = SCM_RIGHTS;
		ctl.h.cmsg_len = CMSG_LEN(fds * sizeof(int));
		memset(CMSG_DATA(&ctl.h), 0, fds * sizeof(int));
	}
	CU_ASSERT_EQUAL(sendmsg(pair[0], &mh, 0), (ssize_t)len);
}

/* Sends @type as it should be, but with other lengths and descriptors. */
static int recv_odd(uint32_t type, enum msg_side side, uint32_t hdr_len,
		    size_t body_len, uint32_t fds)
{
	struct msg_hdr h = { .type = type, .len = hdr_len, .seq = 77 };
	union msg_body b;

	good_body(type, &b);
	memset(record, 0, sizeof(record));
	memcpy(record, &h, sizeof(h));
	memcpy(record + sizeof(h), &b, sizeof(b));
	send_raw(record, sizeof(h) + body_len, fds);
	return msg_recv(pair[1], side, &got);
}

static void every_message_arrives_as_it_was_sent(void)
{
	open_pair();
	for (uint32_t type = 0; type < 2 * MSG_QUESTION; type++) {
		int len = msg_body_len(type);
		int fd = msg_fd_n(type) ? pair[0] : -1;
		union msg_body b;

		if (len < 0)
			continue;
		good_body(type, &b);
		CU_ASSERT_EQUAL_FATAL(
			msg_send(pair[0], type, type + 1000, &b, fd), 0);
		CU_ASSERT_EQUAL_FATAL(msg_recv(pair[1], side_of(type), &got),
				      0);
		CU_ASSERT_EQUAL(got.hdr.type, type);
		CU_ASSERT_EQUAL(got.hdr.seq, type + 1000);
		CU_ASSERT_EQUAL(got.hdr.len, (uint32_t)len);
		CU_ASSERT_EQUAL(memcmp(&got.body, &b, (size_t)len), 0);
		CU_ASSERT_EQUAL(got.fd >= 0, fd >= 0);
		if (got.fd >= 0) {
			CU_ASSERT(fcntl(got.fd, F_GETFD) & FD_CLOEXEC);
			close(got.fd);
		}
	}
	close_pair();
}

static void a_type_that_is_none_can_not_be_sent(void)
{
	static const uint32_t none[] = { 0, MSG_DNS_PASS + 1, MSG_QUESTION - 1,
					 MSG_DNS_CAME + 1, UINT32_MAX };
	union msg_body b = { .done = { 0 } };

	open_pair();
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		CU_ASSERT_EQUAL(msg_body_len(none[i]), -1);
		CU_ASSERT_EQUAL(msg_fd_n(none[i]), 0);
		CU_ASSERT_EQUAL(msg_send(pair[0], none[i], 1, &b, -1), -EINVAL);
	}
	CU_ASSERT_EQUAL(msg_recv(pair[1], MSG_TO_DATA, &got), -EAGAIN);
	close_pair();
}

static void a_sender_must_bring_the_body_and_the_descriptor(void)
{
	union msg_body b = { .id = { 1 } };

	open_pair();
	CU_ASSERT_EQUAL(msg_send(pair[0], MSG_CLIENT_DEL, 1, NULL, -1),
			-EINVAL);
	CU_ASSERT_EQUAL(msg_send(pair[0], MSG_CLIENT_DEL, 1, &b, 0), -EINVAL);
	CU_ASSERT_EQUAL(msg_send(pair[0], MSG_RULES, 1, &b, -1), -EINVAL);
	CU_ASSERT_EQUAL(msg_recv(pair[1], MSG_TO_DATA, &got), -EAGAIN);
	close_pair();
}

static void a_record_of_another_length_is_refused(void)
{
	open_pair();
	for (uint32_t type = 0; type < 2 * MSG_QUESTION; type++) {
		int len = msg_body_len(type);
		uint32_t ulen = (uint32_t)len;
		uint32_t fds = (uint32_t)msg_fd_n(type);
		enum msg_side side = side_of(type);

		if (len < 0)
			continue;
		CU_ASSERT_EQUAL(recv_odd(type, side, ulen + 1, ulen + 1, fds),
				-EBADMSG);
		CU_ASSERT_EQUAL(recv_odd(type, side, ulen, ulen + 1, fds),
				-EBADMSG);
		CU_ASSERT_EQUAL(recv_odd(type, side, UINT32_MAX, ulen, fds),
				-EBADMSG);
		CU_ASSERT_EQUAL(got.hdr.seq, 77);
		if (!len)
			continue;
		CU_ASSERT_EQUAL(recv_odd(type, side, ulen, ulen - 1, fds),
				-EBADMSG);
		CU_ASSERT_EQUAL(recv_odd(type, side, 0, 0, fds), -EBADMSG);
	}
	close_pair();
}

static void a_record_shorter_than_its_header_is_refused(void)
{
	uint8_t bytes[sizeof(struct msg_hdr)] = { MSG_USAGE };

	open_pair();
	for (size_t n = 1; n < sizeof(bytes); n++) {
		send_raw(bytes, n, 0);
		CU_ASSERT_EQUAL(msg_recv(pair[1], MSG_TO_DATA, &got), -EBADMSG);
		CU_ASSERT_EQUAL(got.hdr.seq, 0);
	}
	send_raw(bytes, sizeof(bytes), 0);
	CU_ASSERT_EQUAL(msg_recv(pair[1], MSG_TO_DATA, &got), 0);
	close_pair();
}

static void a_longer_record_than_any_is_refused(void)
{
	static const uint8_t bytes[sizeof(record) + 100] = { MSG_USAGE };

	open_pair();
	send_raw(bytes, sizeof(bytes), 0);
	CU_ASSERT_EQUAL(msg_recv(pair[1], MSG_TO_DATA, &got), -EBADMSG);
	CU_ASSERT_EQUAL(msg_recv(pair[1], MSG_TO_DATA, &got), -EAGAIN);
	close_pair();
}

static void an_answer_is_no_request_and_a_request_no_answer(void)
{
	open_pair();
	for (uint32_t type = 0; type < 2 * MSG_QUESTION; type++) {
		int len = msg_body_len(type);
		enum msg_side wrong = side_of(type) == MSG_TO_DATA
					      ? MSG_TO_CONTROL
					      : MSG_TO_DATA;

		if (len >= 0)
			CU_ASSERT_EQUAL(recv_odd(type, wrong, (uint32_t)len,
						 (size_t)len,
						 (uint32_t)msg_fd_n(type)),
					-EBADMSG);
	}
	CU_ASSERT_EQUAL(recv_odd(MSG_SETTLED + 1, MSG_TO_DATA, 0, 0, 0),
			-EBADMSG);
	CU_ASSERT_EQUAL(recv_odd(UINT32_MAX, MSG_TO_CONTROL, 0, 0, 0),
			-EBADMSG);
	close_pair();
}

static void missing_or_surplus_descriptors_are_refused_and_closed(void)
{
	uint32_t rules = sizeof(struct msg_rules), id = sizeof(struct msg_id);
	int before;

	open_pair();
	before = open_fds();
	CU_ASSERT_EQUAL(recv_odd(MSG_RULES, MSG_TO_DATA, rules, rules, 0),
			-EBADMSG);
	for (uint32_t fds = 2; fds <= 8; fds++)
		CU_ASSERT_EQUAL(recv_odd(MSG_RULES, MSG_TO_DATA, rules, rules,
					 fds),
				-EBADMSG);
	for (uint32_t fds = 1; fds <= 8; fds++)
		CU_ASSERT_EQUAL(recv_odd(MSG_CLIENT_DEL, MSG_TO_DATA, id, id,
					 fds),
				-EBADMSG);
	CU_ASSERT_EQUAL(open_fds(), before);
	CU_ASSERT_EQUAL(recv_odd(MSG_RULES, MSG_TO_DATA, rules, rules, 1), 0);
	CU_ASSERT_EQUAL(open_fds(), before + 1);
	CU_ASSERT_EQUAL(got.fd >= 0, true);
	close(got.fd);
	close_pair();
}

/* One field set to a value that its type does not allow. */
struct bad_field {
	uint32_t type;
	size_t off;
	uint8_t size;
	uint32_t value;
};

#define BAD(t, s, f, v)                                                 \
	{                                                               \
		t, offsetof(struct s, f), sizeof(((struct s *)0)->f), v \
	}

static const struct bad_field bad_fields[] = {
	BAD(MSG_PORT_ADD, msg_port, kind, MSG_PORT_PACKET + 1),
	BAD(MSG_PORT_ADD, msg_port, caps, 0x08),
	BAD(MSG_PORT_ADD, msg_port, mtu, 67),
	BAD(MSG_UPLINK, msg_uplink, uplink.up, 2),
	BAD(MSG_UPLINK, msg_uplink, uplink.port, 1),
	BAD(MSG_UPLINK, msg_uplink, announce, 2),
	BAD(MSG_UPLINK, msg_uplink, uplink.net4.len, 129),
	BAD(MSG_UPLINK, msg_uplink, uplink.net6.len, 129),
	BAD(MSG_CLIENT, msg_client, n, 0),
	BAD(MSG_CLIENT, msg_client, client.port, 2),
	BAD(MSG_CLIENT, msg_client, client.kind, FW_NETWORK + 1),
	BAD(MSG_CLIENT, msg_client, client.addr_n, FW_CLIENT_ADDRS + 1),
	BAD(MSG_CLIENT, msg_client, client.net_n, FW_CLIENT_ADDRS + 1),
	BAD(MSG_CLIENT, msg_client, client.proxy_arp, 0xff),
	BAD(MSG_CLIENT_DEL, msg_id, id, 0),
	BAD(MSG_RULES, msg_rules, n, 0),
	BAD(MSG_RULES, msg_rules, family, 2),
	BAD(MSG_RULES, msg_rules, len, 0),
	BAD(MSG_DONE, msg_done, err, 0x80000000u),
	BAD(MSG_PORT_FAILED, msg_done, err, 0xffffffffu),
	BAD(MSG_FLOWS_PAGE, msg_flows_page, n, MSG_FLOWS_PER_PAGE + 1),
	BAD(MSG_VIF_ADD, msg_vif, mtu, 67),
	BAD(MSG_VIF_ADD, msg_vif, resume, 2),
	BAD(MSG_FRONT_ADD, msg_front, mtu, 67),
	BAD(MSG_VIFS_PAGE, msg_vifs_page, n, MSG_VIFS_PER_PAGE + 1),
	BAD(MSG_VIFS_PAGE, msg_vifs_page, row[15].front, 2),
	BAD(MSG_VIFS_PAGE, msg_vifs_page, row[0].masked, 3),
};

static void a_field_out_of_range_is_refused(void)
{
	open_pair();
	for (size_t i = 0; i < sizeof(bad_fields) / sizeof(bad_fields[0]);
	     i++) {
		const struct bad_field *f = &bad_fields[i];
		int fd = msg_fd_n(f->type) ? 0 : -1;
		union msg_body b;

		good_body(f->type, &b);
		/* little endian: the low bytes of the value */
		memcpy((uint8_t *)&b + f->off, &f->value, f->size);
		CU_ASSERT_EQUAL(msg_send(pair[0], f->type, 5, &b, fd), 0);
		CU_ASSERT_EQUAL(msg_recv(pair[1], side_of(f->type), &got),
				-EBADMSG);
		CU_ASSERT_EQUAL(got.hdr.seq, 5);
	}
	close_pair();
}

static void a_client_with_a_name_without_end_or_a_long_prefix_is_refused(void)
{
	union msg_body b;

	open_pair();
	good_body(MSG_CLIENT, &b);
	memset(b.client.client.name, 'x', sizeof(b.client.client.name));
	CU_ASSERT_EQUAL(msg_send(pair[0], MSG_CLIENT, 1, &b, -1), 0);
	CU_ASSERT_EQUAL(msg_recv(pair[1], MSG_TO_DATA, &got), -EBADMSG);

	good_body(MSG_CLIENT, &b);
	b.client.client.net_n = 2;
	b.client.client.net[1].len = 129;
	CU_ASSERT_EQUAL(msg_send(pair[0], MSG_CLIENT, 1, &b, -1), 0);
	CU_ASSERT_EQUAL(msg_recv(pair[1], MSG_TO_DATA, &got), -EBADMSG);
	close_pair();
}

static void a_full_socket_does_not_block_the_sender(void)
{
	union msg_body b = { .flows_page = { .n = 0 } };
	int err = 0, n = 0;

	open_pair();
	while (!err && n < 100000) {
		err = msg_send(pair[0], MSG_FLOWS_PAGE, (uint32_t)n, &b, -1);
		n++;
	}
	CU_ASSERT_EQUAL(err, -EAGAIN);
	for (int i = 0; i < n - 1; i++) {
		CU_ASSERT_EQUAL(msg_recv(pair[1], MSG_TO_CONTROL, &got), 0);
		CU_ASSERT_EQUAL(got.hdr.seq, (uint32_t)i);
	}
	CU_ASSERT_EQUAL(msg_recv(pair[1], MSG_TO_CONTROL, &got), -EAGAIN);
	close_pair();
}

static void the_end_of_the_other_side_is_told(void)
{
	struct msg_id id = { 1 };

	open_pair();
	CU_ASSERT_EQUAL(msg_send(pair[0], MSG_CLIENT_DEL, 1, &id, -1), 0);
	close(pair[0]);
	CU_ASSERT_EQUAL(msg_recv(pair[1], MSG_TO_DATA, &got), 0);
	CU_ASSERT_EQUAL(msg_recv(pair[1], MSG_TO_DATA, &got), -EPIPE);
	CU_ASSERT_EQUAL(msg_send(pair[1], MSG_USAGE, 1, NULL, -1), -EPIPE);
	close(pair[1]);
}

static void a_broken_descriptor_is_an_error(void)
{
	CU_ASSERT_EQUAL(msg_recv(-1, MSG_TO_DATA, &got), -EBADF);
	CU_ASSERT_EQUAL(msg_send(-1, MSG_USAGE, 1, NULL, -1), -EBADF);
}

UNIT_SUITE(msg, UNIT(every_message_arrives_as_it_was_sent),
	   UNIT(a_type_that_is_none_can_not_be_sent),
	   UNIT(a_sender_must_bring_the_body_and_the_descriptor),
	   UNIT(a_record_of_another_length_is_refused),
	   UNIT(a_record_shorter_than_its_header_is_refused),
	   UNIT(a_longer_record_than_any_is_refused),
	   UNIT(an_answer_is_no_request_and_a_request_no_answer),
	   UNIT(missing_or_surplus_descriptors_are_refused_and_closed),
	   UNIT(a_field_out_of_range_is_refused),
	   UNIT(a_client_with_a_name_without_end_or_a_long_prefix_is_refused),
	   UNIT(a_full_socket_does_not_block_the_sender),
	   UNIT(the_end_of_the_other_side_is_told),
	   UNIT(a_broken_descriptor_is_an_error))
