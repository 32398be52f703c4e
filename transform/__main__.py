from transform.resident import main

main()
