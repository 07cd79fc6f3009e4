from sotepki.cli import main

main()
