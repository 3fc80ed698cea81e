"""From a plan to texts: files of the hosts, and scripts. Pure: nothing is written here."""
