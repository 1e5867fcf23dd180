- hosts: all # ERROR: Not a ferry playbook
  tasks: []
