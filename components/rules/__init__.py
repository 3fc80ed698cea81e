"""What the arguments must be: `judge` runs all of it and says in one message everything that is wrong.

Shapes and types (`shapes`, `reader`, `kinds`), then the rules by subject: who is where (`members`), ports, timers and
numbers (`services`), texts that land in files (`texts`), SSH (`logins`, `private_keys`), what others have taken
(`claims`), and the network and the hosts around an endpoint (`surroundings`). Pure but for a look at the files that an
argument names.
"""
