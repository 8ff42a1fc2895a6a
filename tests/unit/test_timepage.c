#include "net/timepage.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/check.h"

static struct page *page_with(int32_t pid, uint32_t flags)
{
    struct page *page = xcalloc(1, sizeof *page);
    page->slot[3].pid = pid;
    page->slot[3].flags = flags;
    page->slot[3].speed = 10;
    return page;
}

static void a_process_without_a_slot_is_not_present(void)
{
    struct page *page = page_with(41, PAGE_READY);
    CHECK(!timepage_read(page, 42).present);
    free(page);
}

static void a_free_slot_is_nobodys(void)
{
    struct page *page = page_with(0, PAGE_READY);
    CHECK(!timepage_read(page, 0).present);
    free(page);
}

static void a_slot_that_is_being_filled_does_not_count(void)
{
    struct page *page = page_with(42, PAGE_FAKED | PAGE_SCALED);
    CHECK(!timepage_read(page, 42).present);
    free(page);
}

static void a_scaled_process_is_read_with_its_speed(void)
{
    struct page *page = page_with(42, PAGE_READY | PAGE_FAKED | PAGE_SCALED);
    struct timepage_process process = timepage_read(page, 42);
    CHECK(process.present && process.faked && process.scaled);
    CHECK_REAL(process.speed, 10, 0);
    free(page);
}

static void a_name_without_an_end_is_cut(void)
{
    struct page *page = page_with(42, PAGE_READY);
    page->slot[3].unhandled = 1;
    memset(page->slot[3].unhandled_name, 'x', PAGE_NAME_BYTES);
    CHECK_INT(strlen(timepage_read(page, 42).unhandled_name), PAGE_NAME_BYTES - 1);
    free(page);
}

static void the_file_goes_away_with_the_page(void)
{
    struct text why;
    text_init(&why);
    struct timepage *timepage = timepage_new(&why);
    char *path = xstrdup(timepage_path(timepage));
    bool was_there = access(path, R_OK | W_OK) == 0;
    timepage_free(timepage);
    CHECK(was_there && access(path, F_OK) != 0);
    free(path);
    text_fini(&why);
}

SUITE(timepage, TEST(a_process_without_a_slot_is_not_present), TEST(a_free_slot_is_nobodys),
      TEST(a_slot_that_is_being_filled_does_not_count),
      TEST(a_scaled_process_is_read_with_its_speed), TEST(a_name_without_an_end_is_cut),
      TEST(the_file_goes_away_with_the_page))
