*** Settings ***
Documentation    Books in the old ledger, `ledger.csv` beside this file: one line for each entry, action;invoice;amount.
...              Put your own keywords in place of those below: for a desktop, a terminal or a web page.
Library          OperatingSystem

*** Variables ***
${LEDGER}    ${CURDIR}${/}ledger.csv

*** Tasks ***
Check
    ${entries}=    Entries
    ${booked}=    Evaluate    ";${INVOICE};" in $entries
    IF    ${booked}    Log To Console    the invoice is booked already    STDERR
    Should Not Be True    ${booked}

Book
    Append To File    ${LEDGER}    %{AUTONOMY_ACTION};${INVOICE};${AMOUNT}\n
    Log To Console    booked ${INVOICE}

Look Up
    ${entries}=    Entries
    Should Contain    ${entries}    %{AUTONOMY_ACTION};
    Log To Console    it is booked

Find
    ${entries}=    Entries
    ${found}=    Grep File    ${LEDGER}    *;${INVOICE};*
    Should Not Be Empty    ${found}    the invoice is not booked
    Log To Console    ${found}

*** Keywords ***
Entries
    Touch    ${LEDGER}
    ${entries}=    Get File    ${LEDGER}
    RETURN    ${entries}
