/*
 * Stands in for pppd where a benchmark counts what an L2TP daemon does: answers nothing and lasts as long as its
 * terminal (or the daemon) does, as pppd would.
 */
#include <signal.h>
#include <unistd.h>

int main(void)
{
	char octets[2048];

	signal(SIGTERM, SIG_DFL);
	while (read(0, octets, sizeof octets) > 0)
		;
	return 0;
}
