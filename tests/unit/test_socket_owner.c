#include "net/socket_owner.h"

#include "tests/check.h"

#define LISTENING                                                                                  \
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 "  \
    "184467 1 0000000000000000 100 0 0 10 0\n"
#define ESTABLISHED_V6                                                                             \
    "  12: 00000000000000000000000001000000:C350 00000000000000000000000001000000:1F90 01 "        \
    "00000000:00000000 02:000003E8 00000000     0        0 4294967296 2 0000000000000000 20 4\n"

static void a_listening_socket_has_no_other_port(void)
{
    struct socket_row row;
    CHECK(socket_owner_parse(LISTENING, &row));
    CHECK(row.listening);
    CHECK_INT(row.local_port, 8080);
    CHECK_INT(row.remote_port, 0);
    CHECK_INT(row.inode, 184467);
}

static void an_ipv6_connection_is_read(void)
{
    struct socket_row row;
    CHECK(socket_owner_parse(ESTABLISHED_V6, &row));
    CHECK(!row.listening);
    CHECK_INT(row.local_port, 50000);
    CHECK_INT(row.remote_port, 8080);
    CHECK_INT(row.inode, 4294967296);
}

static void the_heading_is_no_socket(void)
{
    struct socket_row row;
    CHECK(!socket_owner_parse("  sl  local_address rem_address   st tx_queue rx_queue", &row));
}

static void half_a_line_is_no_socket(void)
{
    struct socket_row row;
    CHECK(!socket_owner_parse("   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000", &row));
}

static void the_inode_is_cut_out_of_the_link(void)
{
    CHECK_INT(socket_owner_inode("socket:[4711]"), 4711);
}

static void a_pipe_is_no_socket(void)
{
    CHECK_INT(socket_owner_inode("pipe:[4711]"), 0);
}

SUITE(socket_owner, TEST(a_listening_socket_has_no_other_port), TEST(an_ipv6_connection_is_read),
      TEST(the_heading_is_no_socket), TEST(half_a_line_is_no_socket),
      TEST(the_inode_is_cut_out_of_the_link), TEST(a_pipe_is_no_socket))
